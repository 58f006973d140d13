// Command tillscope is a troubleshooter for card payment terminals. See README.md.
package main

import (
	"os"

	"tillscope/cli"
)

func main() { os.Exit(cli.Main()) }
