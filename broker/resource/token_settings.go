package resource

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// minRevalidate keeps the judging of many clients from being a load.
const minRevalidate = time.Second

// readTokenSettings reads the settings of a ServiceAccountToken method that the
// documents lack (LINK-10).
func (d *document) readTokenSettings(index int, t *ServiceAccountToken) {
	setting := func(name string) *field { return d.setting(fmt.Sprintf("method-%d-%s", index, name)) }
	t.Namespaces = setting("namespaces").namespaces()
	after := setting("revalidate-after")
	t.RevalidateAfter = after.duration()
	if t.RevalidateAfter != 0 && t.RevalidateAfter < minRevalidate {
		after.errorf("want at least %v", minRevalidate)
	}
	again := setting("review-again")
	t.ReviewAgain = again.oneOf("true", "false") == "true"
	if t.ReviewAgain && after == nil {
		again.errorf("tokens are reviewed again when their clients are judged again; add %smethod-%d-revalidate-after", settingPrefix, index)
	}
}

// namespaces reads names of namespaces with commas between them.
func (f *field) namespaces() []string {
	text := f.nonEmpty()
	if text == "" {
		return nil
	}
	var names []string
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		if problem := namespaceName(name); problem != "" {
			f.errorf("%s is not a name: %s; write several with commas between them", quote(name), problem)
			continue
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
