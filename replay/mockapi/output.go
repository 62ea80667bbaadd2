package mockapi

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strings"
	"time"
)

// outputs are the files that results point to, by model type.
var outputs = map[ModelType]struct {
	suffix, mediaType string
	content           func() []byte
}{
	Image: {".png", "image/png", onePixel},
	Audio: {".wav", "audio/wav", silence},
	Video: {".mp4", "video/mp4", emptyVideo},
}

func outputName(t task) string { return t.id + outputs[t.kind].suffix }

// serveOutput answers as a CDN would: without a key, and only for results.
func (e *engine) serveOutput(w http.ResponseWriter, r *http.Request, name string) {
	id, _, _ := strings.Cut(name, ".")
	t, ok := e.lookup(id)
	if !ok || t.state != e.protocol.success || outputName(t) != name {
		e.answer(w, nil, notFound("no such file"))
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		e.answer(w, nil, allow(r, http.MethodGet))
		return
	}
	file := outputs[t.kind]
	w.Header().Set("Content-Type", file.mediaType)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(file.content()))
}

// onePixel is a grey picture.
func onePixel() []byte {
	picture := image.NewGray(image.Rect(0, 0, 1, 1))
	picture.SetGray(0, 0, color.Gray{Y: 128})
	var b bytes.Buffer
	_ = png.Encode(&b, picture) // a Buffer takes everything
	return b.Bytes()
}

// silence is a tenth of a second of it: 8 kHz, mono, 8 bits.
func silence() []byte {
	const samples, rate = 800, 8000
	b := []byte("RIFF")
	b = binary.LittleEndian.AppendUint32(b, 36+samples)
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, 1) // PCM
	b = binary.LittleEndian.AppendUint16(b, 1) // channel
	b = binary.LittleEndian.AppendUint32(b, rate)
	b = binary.LittleEndian.AppendUint32(b, rate) // bytes a second
	b = binary.LittleEndian.AppendUint16(b, 1)    // bytes a sample
	b = binary.LittleEndian.AppendUint16(b, 8)    // bits a sample
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, samples)
	return append(b, bytes.Repeat([]byte{128}, samples)...)
}

// emptyVideo is the head of an MP4 file, with nothing to play.
func emptyVideo() []byte {
	return []byte("\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41\x00\x00\x00\x08mdat")
}
