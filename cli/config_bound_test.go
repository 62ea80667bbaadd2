package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNestedConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hookloop.yaml")
	if err := os.WriteFile(file, []byte("providers: "+strings.Repeat("{a: ", 20000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (&app{}).readConfig(file, nil); err == nil || !strings.Contains(err.Error(), "nested too deep") {
		t.Errorf("got %v, want that it is nested too deep", err)
	}
}
