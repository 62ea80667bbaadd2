package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"hookloop/inspect"
)

// home returns the user's home folder, or "".
func (a *app) home() string {
	if runtime.GOOS == "windows" {
		return a.Getenv("USERPROFILE")
	}
	return a.Getenv("HOME")
}

// stateDir is where deliveries are kept unless told otherwise.
func (a *app) stateDir() (string, error) {
	home := a.home()
	switch {
	case a.dataDir != "":
		return filepath.Abs(a.dataDir)
	case filepath.IsAbs(a.Getenv("XDG_STATE_HOME")): // as its specification has it
		return filepath.Join(a.Getenv("XDG_STATE_HOME"), "hookloop"), nil
	case runtime.GOOS == "windows" && a.Getenv("LOCALAPPDATA") != "":
		return filepath.Join(a.Getenv("LOCALAPPDATA"), "hookloop"), nil
	case home == "":
		return "", usagef("there is no home folder to keep deliveries in: name a folder with --data-dir")
	case runtime.GOOS == "darwin":
		return filepath.Join(home, "Library", "Application Support", "hookloop"), nil
	case runtime.GOOS == "windows":
		return filepath.Join(home, "AppData", "Local", "hookloop"), nil
	}
	return filepath.Join(home, ".local", "state", "hookloop"), nil
}

// openStore opens the store and says what the user should know about it.
func (a *app) openStore(opts inspect.Options) (*inspect.Store, error) {
	dir, err := a.stateDir()
	if err != nil {
		return nil, err
	}
	store, err := inspect.Open(dir, opts)
	if err != nil {
		return nil, err
	}
	if notice := store.Notice(); notice != "" {
		a.sayf("hookloop: %s", notice)
	}
	return store, nil
}

// errNoFolder is about a data folder that the user names, and that is not there.
var errNoFolder = errors.New("nothing was kept there yet")

// openKept is openStore for commands that read what was kept: where --data-dir
// names a folder that does not exist, it makes none and fails with errNoFolder.
func (a *app) openKept() (*inspect.Store, error) {
	if a.dataDir != "" {
		if _, err := os.Stat(a.dataDir); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no folder %s, so %w: correct --data-dir", a.dataDir, errNoFolder)
		}
	}
	return a.openStore(inspect.Options{})
}

// ngrokConfigFiles are where ngrok's own agent keeps its configuration.
// https://ngrok.com/docs/agent/config/
func (a *app) ngrokConfigFiles() []string {
	home := a.home()
	files := []string{
		filepath.Join(home, ".config", "ngrok", "ngrok.yml"),
		filepath.Join(home, ".ngrok2", "ngrok.yml"),
	}
	if dir := a.Getenv("XDG_CONFIG_HOME"); dir != "" {
		files = append([]string{filepath.Join(dir, "ngrok", "ngrok.yml")}, files...)
	}
	switch runtime.GOOS {
	case "darwin":
		files = append([]string{filepath.Join(home, "Library", "Application Support", "ngrok", "ngrok.yml")}, files...)
	case "windows":
		files = append([]string{filepath.Join(a.Getenv("LOCALAPPDATA"), "ngrok", "ngrok.yml")}, files...)
	}
	return files
}

// editor returns the user's editor with its arguments, or nil.
func (a *app) editor() []string {
	for _, name := range []string{"VISUAL", "EDITOR"} {
		value := a.Getenv(name)
		if strings.ContainsAny(value, `"'\`) && runtime.GOOS != "windows" {
			return []string{"/bin/sh", "-c", value + ` "$@"`, "hookloop"} // the user's own words, as git runs them
		}
		if words := strings.Fields(value); len(words) > 0 {
			return words
		}
	}
	for _, name := range []string{"nano", "vi", "notepad.exe"} {
		if path, err := exec.LookPath(name); err == nil {
			return []string{path}
		}
	}
	return nil
}

// openLimit is how long openURL waits for a program that opens browsers to
// fail. Some of them stay for as long as the browser does.
const openLimit = 2 * time.Second

// openURL opens url in the user's browser.
func openURL(url string) error {
	var cmd *exec.Cmd
	switch runtime.GOOS {
	case "darwin":
		cmd = exec.Command("open", url)
	case "windows":
		cmd = exec.Command("rundll32", "url.dll,FileProtocolHandler", url)
	default:
		cmd = exec.Command("xdg-open", url)
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s found no browser (%w)", filepath.Base(cmd.Path), err)
		}
	case <-time.After(openLimit):
	}
	return nil
}

// writePrivate writes a file that only the user can read, whole or not at all.
// Its errors name path, and not the file that it writes first.
func writePrivate(path string, content []byte) error {
	err := replaceFile(path, content)
	if link := new(os.LinkError); errors.As(err, &link) {
		err = &fs.PathError{Op: link.Op, Path: path, Err: link.Err}
	}
	if on := new(fs.PathError); errors.As(err, &on) {
		on.Path = path
	}
	return err
}

func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".hookloop-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	if _, err := f.Write(content); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
