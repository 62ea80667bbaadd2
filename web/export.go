package web

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"hookloop/inspect"
)

// curl answers with a curl line that sends the same bytes, to the URL that the
// provider called or to the origin in ?to=.
func (s *Server) curl(w http.ResponseWriter, r *http.Request) error {
	d, err := s.delivery(r)
	if err != nil {
		return err
	}
	to, err := curlURL(d, r.URL.Query().Get("to"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Security-Policy", bodyPolicy)
	_, _ = io.WriteString(w, inspect.Curl(to, d)+"\n")
	return nil
}

// curlURL is the address a curl line of d calls: that of d, or to, which may
// be an origin alone and then gets d's target.
func curlURL(d *inspect.Delivery, to string) (string, error) {
	if to == "" {
		return d.URL(), nil
	}
	u, err := url.Parse(to)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return "", fieldProblem("to", "to=%q is not the URL of a server; give one such as http://localhost:3000.", to)
	}
	return strings.TrimSuffix(to, "/"), nil
}

// exports are the formats of /api/v1/export and how each is written.
var exports = map[string]struct {
	contentType, extension string
	write                  func(w io.Writer, version string, records iter.Seq2[inspect.Record, error]) error
}{
	"har":   {"application/json", ".har", inspect.WriteHAR},
	"jsonl": {"application/x-ndjson", ".jsonl", writeJSONL},
	"csv":   {"text/csv; charset=utf-8; header=present", ".csv", writeCSV},
	"curl":  {"text/plain; charset=utf-8", ".sh", writeCurl},
}

// export answers with a download of the deliveries that q or id choose, oldest
// first. It holds one of them at a time. An error after the first byte can
// only be told by cutting the answer off.
func (s *Server) export(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	format, ok := exports[q.Get("format")]
	if !ok {
		return fieldProblem("format", "format=%q is not one of har, jsonl, csv, curl.", q.Get("format"))
	}
	ids, err := s.chosen(r.Context(), q)
	if err != nil {
		return err
	}
	name := "hookloop"
	if len(ids) == 1 {
		name = fmt.Sprintf("delivery-%d", ids[0])
	}
	w.Header().Set("Content-Type", format.contentType)
	w.Header().Set("Content-Security-Policy", bodyPolicy)
	attach(w, name+format.extension)
	if err := format.write(w, s.view().Version, s.Store.Records(r.Context(), ids)); err != nil {
		s.logger().Error("export was cut off", "err", err)
		panic(http.ErrAbortHandler) // the client must not take this for the end
	}
	return nil
}

// chosen returns the ids to export, ascending: those in ?id=, else those that
// match ?q=.
func (s *Server) chosen(ctx context.Context, q url.Values) (ids []int64, err error) {
	if q.Get("id") != "" {
		for part := range strings.SplitSeq(q.Get("id"), ",") {
			id, err := strconv.ParseInt(strings.TrimSpace(part), 10, 64)
			if err != nil || id < 1 {
				return nil, fieldProblem("id", "id=%q is not a list of ids; give numbers with commas between them.", q.Get("id"))
			}
			if _, err := s.Store.Delivery(ctx, id); err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
		slices.Sort(ids)
		return slices.Compact(ids), nil
	}
	return s.Store.Matching(ctx, q.Get("q"))
}

func writeJSONL(w io.Writer, _ string, records iter.Seq2[inspect.Record, error]) error {
	return inspect.WriteJSONL(w, records)
}

func writeCSV(w io.Writer, _ string, records iter.Seq2[inspect.Record, error]) error {
	return inspect.WriteCSV(w, records)
}

// writeCurl writes a shell script with one curl line for each delivery.
func writeCurl(w io.Writer, _ string, records iter.Seq2[inspect.Record, error]) error {
	for rec, err := range records {
		if err != nil {
			return err
		}
		d := rec.Delivery
		if _, err := fmt.Fprintf(w, "# %d: %s\n%s\n\n", d.ID, inspect.Escape(d.Method+" "+d.Target), inspect.Curl(d.URL(), d)); err != nil {
			return err
		}
	}
	return nil
}
