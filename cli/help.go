package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// firstWords go before descriptions of flags that would begin with a value,
// which the help would write with a capital letter.
var firstWords = map[string]string{"mode": "how: ", "stop-when": "when to stop; ", "how": "in which way: "}

// mendHelp has the help of cmd and all below it show values as they are
// written, and one default of each flag.
func mendHelp(cmd *cobra.Command) {
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		value, _, _ := strings.Cut(f.Usage, " ")
		if words := firstWords[f.Name]; words != "" && strings.Trim(value, ",:") != "what" {
			f.Usage = words + f.Usage
		}
		if strings.Contains(f.Usage, "(default: ") {
			f.DefValue = ""
		}
	})
	for _, sub := range cmd.Commands() {
		mendHelp(sub)
	}
}
