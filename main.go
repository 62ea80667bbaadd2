// Hookloop gives a developer's localhost a public webhook URL, keeps every
// delivery that arrives, and loops it against the handler until it is right.
package main

import (
	"os"

	"hookloop/cli"
)

func main() {
	os.Exit(cli.Run(cli.OS()))
}
