package replay

import "bytes"

// TrimEditorNewline returns edited without the final newline that most editors
// add to a file that had none, so that looking at a body does not change it.
func TrimEditorNewline(original, edited []byte) []byte {
	if bytes.HasSuffix(original, []byte("\n")) {
		return edited
	}
	if trimmed, ok := bytes.CutSuffix(edited, []byte("\r\n")); ok {
		return trimmed
	}
	return bytes.TrimSuffix(edited, []byte("\n"))
}
