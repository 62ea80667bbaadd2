package replay

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"hookloop/inspect"
	"hookloop/inspect/provider"
)

// refusal says in words why a handler would refuse r, which is p as it would be
// checked now, by its diagnosis; "" = it would not, as far as is known. The
// signature held when it arrived, or nothing was known of it.
func refusal(catalog *provider.Catalog, d *inspect.Delivery, p *plan, r *provider.Request, now provider.Diagnosis) string {
	entry := catalog.Provider(now.Provider)
	sch := scheme(entry, now.Scheme)
	if entry == nil || now.Result == provider.Valid {
		return ""
	}
	title := entry.Title
	if title == "" {
		title = entry.Name
	}
	if now.Result == provider.Unverifiable { // there is no secret; but some things can be seen without
		switch {
		case sch == nil || sch.Kind == provider.Unsigned:
		case tooOld(sch, now, r.Time):
			return age(title, sch, now, r.Time)
		case p.bodySet && coversBody(sch):
			return fmt.Sprintf("the body was edited, so %s signature no longer holds", entry.Whose())
		case (now.Code == provider.CodeURLDiffers || d.Endpoint != "") && r.URL != d.URL() && covers(sch, "{url}"):
			return fmt.Sprintf("%s signs the URL, and the handler will see %s", title, r.URL)
		}
		return ""
	}
	switch {
	case now.Code == provider.CodeTooOld && sch != nil && sch.Tolerance > 0:
		return age(title, sch, now, r.Time)
	case now.Code != provider.CodeWrongSecret && now.Code != provider.CodeBodyChanged && now.Code != provider.CodeURLDiffers:
	case p.bodySet && !bytes.Equal(p.body, d.Body):
		return fmt.Sprintf("the body was edited, so %s signature no longer holds", entry.Whose())
	case p.method != d.Method && covers(sch, "{method}"):
		return fmt.Sprintf("the method was changed, so %s signature no longer holds", entry.Whose())
	case r.URL != d.URL() && covers(sch, "{url}"):
		return fmt.Sprintf("%s signs the URL, and the handler will see %s", title, r.URL)
	}
	return now.Reason
}

// covers reports whether a scheme signs a part of the request.
func covers(sch *provider.Scheme, token string) bool {
	return sch != nil && strings.Contains(sch.Message.String(), token)
}

func coversBody(sch *provider.Scheme) bool {
	return !sch.BodyHash.IsZero() || covers(sch, "{body") || covers(sch, "{form.sorted}")
}

// tooOld reports whether a signed timestamp is out of its scheme's tolerance.
func tooOld(sch *provider.Scheme, d provider.Diagnosis, now time.Time) bool {
	return sch.Tolerance > 0 && !d.SignedAt.IsZero() && now.Sub(d.SignedAt) > time.Duration(sch.Tolerance)
}

func age(title string, sch *provider.Scheme, d provider.Diagnosis, now time.Time) string {
	return fmt.Sprintf("the signed timestamp is %s old and %s accepts %s", provider.InWords(now.Sub(d.SignedAt)), title, sch.Tolerance)
}
