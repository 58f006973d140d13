package cli

import (
	"cmp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tillscope/assets"
)

// speak puts the help of the command line into a language. Its texts are in assets/lang/*/cli.yaml.
func speak(root *cobra.Command, l *assets.Lang) {
	for _, c := range append(root.Commands(), root) {
		if c.Hidden { // for developers, who read its code
			continue
		}
		c.InitDefaultHelpFlag()
		speakOne(c, l)
		for _, shell := range c.Commands() {
			if c.Name() == "completion" {
				shell.InitDefaultHelpFlag()
				speakOne(shell, l)
				shell.Short = l.T("cli.shell.short", shell.Name())
			}
		}
	}
	root.SetUsageTemplate(usageTemplate(l))
}

func speakOne(c *cobra.Command, l *assets.Lang) {
	c.Short = cmp.Or(l.Find("cli."+c.Name()+".short"), c.Short)
	c.Long = cmp.Or(l.Find("cli."+c.Name()+".long"), c.Long)
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		f.Usage = cmp.Or(l.Find("cli."+c.Name()+"."+f.Name), l.Find("cli.flag."+f.Name), f.Usage)
	})
}

// usageTemplate is cobra's own, with its words in a language.
func usageTemplate(l *assets.Lang) string {
	return strings.NewReplacer("Usage:", l.T("cli.usage"), "Aliases:", l.T("cli.usage.aliases"), "Examples:", l.T("cli.usage.examples"),
		"Available Commands:", l.T("cli.usage.commands"), "Additional Commands:", l.T("cli.usage.other"), "Global Flags:", l.T("cli.usage.global"),
		"Additional help topics:", l.T("cli.usage.topics"), "Flags:", l.T("cli.usage.flags"),
		`Use "{{.CommandPath}} [command] --help" for more information about a command.`, l.T("cli.usage.more", "`{{.CommandPath}} COMMAND --help`")).Replace(new(cobra.Command).UsageTemplate())
}

// helpLanguage is what help is read in: the one that a flag, the configuration or the environment names, the first of them that
// there is. Mistakes in the first two are told elsewhere, in the language that this finds, and help comes all the same.
func helpLanguage(c *cobra.Command) *assets.Lang {
	conf, _ := readConfig()
	ids := []string{conf.Lang, defaultLanguage(), assets.Languages[0]}
	if f := c.Flags().Lookup("lang"); f != nil && f.Changed {
		ids = append([]string{f.Value.String()}, ids...)
	}
	for _, id := range ids {
		if l, err := assets.Language(id); err == nil {
			return l
		}
	}
	return &assets.Lang{}
}

// helpInLanguage lets help speak the user's language. Nothing is read for it before somebody asks.
func helpInLanguage(root *cobra.Command) {
	help := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		speak(root, helpLanguage(c))
		help(c, args)
	})
}
