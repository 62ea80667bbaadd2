package web

import (
	"net/http"

	"hookloop/inspect"
)

// A lostAcks says how many of the next answers are lost on the way to the
// provider, and by what.
type lostAcks struct {
	N   int             `json:"n"`
	How inspect.LostAck `json:"how"`
}

// loseAcks has the receiver lose the next answers. 0 ends it, and a lost-ack
// that was begun here.
func (s *Server) loseAcks(w http.ResponseWriter, r *http.Request) error {
	var in lostAcks
	if err := readJSON(w, r, 1<<10, &in); err != nil {
		return err
	}
	if s.Receiver == nil {
		return problemf(http.StatusConflict, "This inspector has no receiver, so no answers can be lost. Start hookloop listen.")
	}
	if n := s.Receiver.LosingAcks(); in.N > 0 && n > 0 {
		return problemf(http.StatusConflict, "%d answers are being lost already; wait until they are, or stop the simulation that does it.", n)
	}
	if err := s.Receiver.LoseAcks(in.N, in.How); err != nil {
		return problemf(http.StatusBadRequest, "%s", err)
	}
	if in.N == 0 && s.Running != nil {
		if run := s.Running.LostAck(); run != nil {
			run.Stop()
		}
	}
	return writeJSON(w, http.StatusOK, in)
}
