package replay

import "os/exec"

// ownGroup does nothing: a program that is cut ends alone here.
func ownGroup(*exec.Cmd) {}

func killGroup(*exec.Cmd) {}
