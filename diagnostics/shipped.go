package diagnostics

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"sync"

	"github.com/goccy/go-yaml"

	"tillscope/assets"
)

//go:generate go test -run TestShippedDataIsFresh -update

type advice struct {
	Remedies []remedy `yaml:"remedies"`
	Prevent  []struct {
		EN string `yaml:"en"`
		ZH string `yaml:"zh"`
	} `yaml:"prevent"`
}

// remedy is what someone does, and the numbers that it takes.
type remedy struct {
	Who  string   `yaml:"who"`
	EN   string   `yaml:"en"`
	ZH   string   `yaml:"zh"`
	Tell []string `yaml:"tell"`
}

func (r remedy) in(lang string) string {
	if lang == "zh" {
		return r.ZH
	}
	return r.EN
}

// shippedDoc is what ships about causes: tree.yaml, remedies.yaml and codes.yaml. A YAML library takes 30 ms for the three, on
// the way to the first screen, so that the program has them as JSON, which is written, and checked, by go generate.
type shippedDoc struct {
	Tree   treeDoc
	Advice map[string]advice
	Codes  map[string]Code
}

// shippedFile is where the JSON stands in the assets.
const shippedFile = "diagnostics.json"

type shipped struct {
	tree    *tree
	codes   map[string]Code
	actions map[string]string // codes by the action codes of ISO 8583:1993
	advice  map[string]advice
}

var load = sync.OnceValues(func() (*shipped, error) {
	src, err := fs.ReadFile(assets.FS, shippedFile)
	if err != nil {
		return nil, err
	}
	var doc shippedDoc
	if err := json.Unmarshal(src, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", shippedFile, err)
	}
	sh := &shipped{advice: doc.Advice, codes: doc.Codes, actions: map[string]string{}}
	if sh.tree, err = doc.Tree.tree(shippedFile, src); err != nil {
		return nil, err
	}
	for code, c := range sh.codes {
		for _, a := range c.ISO93 {
			sh.actions[a] = code
		}
	}
	return sh, nil
})

// readShipped reads and checks the files that people write.
func readShipped() (*shippedDoc, error) {
	doc := &shippedDoc{}
	src, err := fs.ReadFile(assets.FS, "remedies.yaml")
	if err != nil {
		return nil, err
	}
	if err := yaml.UnmarshalWithOptions(src, &doc.Advice, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("remedies.yaml: %w", err)
	}
	for _, cause := range sortedKeys(doc.Advice) {
		if err := doc.Advice[cause].check(); err != nil {
			return nil, fmt.Errorf("remedies.yaml:%d: %s: %w", lineOf(src, cause), cause, err)
		}
	}
	if src, err = fs.ReadFile(assets.FS, "tree.yaml"); err != nil {
		return nil, err
	}
	if err := yaml.UnmarshalWithOptions(src, &doc.Tree, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("tree.yaml: %w", err)
	}
	t, err := doc.Tree.tree("tree.yaml", src)
	if err != nil {
		return nil, err
	}
	if err := t.advised("tree.yaml", src, doc.Advice); err != nil {
		return nil, err
	}
	if src, err = fs.ReadFile(assets.FS, "codes.yaml"); err != nil {
		return nil, err
	}
	doc.Codes, err = parseCodes("codes.yaml", src, doc.Advice)
	return doc, err
}

func loadShipped() (*tree, map[string]Code, error) {
	sh, err := load()
	if err != nil {
		return nil, nil, err
	}
	return sh.tree, sh.codes, nil
}

// Advice is who does what about a cause, and what keeps it from coming back, in a language. An unknown cause has none.
func Advice(cause, lang string) (rem []Remedy, prevent []string) {
	sh, err := load()
	if err != nil {
		return nil, nil
	}
	a := sh.advice[cause]
	for _, r := range a.Remedies {
		rem = append(rem, Remedy{r.Who, r.in(lang)})
	}
	for _, p := range a.Prevent {
		if lang == "zh" {
			prevent = append(prevent, p.ZH)
		} else {
			prevent = append(prevent, p.EN)
		}
	}
	return rem, prevent
}
