package cli

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

// TestMain lets the test binary be hookloop itself, for the sessions in
// testdata and for tests that need a process.
func TestMain(m *testing.M) {
	if runPeer() {
		return
	}
	testscript.Main(leakChecked{m}, map[string]func(){
		"hookloop": func() { os.Exit(Run(OS())) },
	})
}

type leakChecked struct{ m *testing.M }

func (l leakChecked) Run() int {
	code := l.m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			return 1
		}
	}
	return code
}
