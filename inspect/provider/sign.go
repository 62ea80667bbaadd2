package provider

import "time"

func (c *Checker) CanSign(r *Request) (ok bool, why string)                     { return false, "" }
func (c *Checker) Sign(r *Request, at time.Time, newTime bool) (*Signed, error) { return nil, nil }
