package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"hookloop/inspect"
	"hookloop/replay"
)

// A filePoll is an item of polls in the configuration file.
type filePoll struct {
	name, where string
	values      map[string][]located // by key, the url and flags of poll
	places      map[string]string    // where the values stand that count, by flag
}

func (c *configReader) readPolls(pair *ast.MappingValueNode) error {
	const example = "avatar: {url: https://…, until: data.state=success}"
	pairs, err := c.pairs(pair, example)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		inner, err := c.pairs(p, "url: https://…")
		if err != nil {
			return err
		}
		poll := filePoll{name: p.Key.GetToken().Value, where: c.where(p.Key), values: map[string][]located{}, places: map[string]string{}}
		for _, kv := range inner {
			key := strings.ReplaceAll(kv.Key.GetToken().Value, "_", "-")
			if !slices.Contains(pollKeys, key) {
				hint := ": there are " + strings.Join(pollKeys, ", ")
				if near := inspect.Nearest(key, pollKeys); near != "" {
					hint = fmt.Sprintf(", did you mean %q?", near)
				}
				return fmt.Errorf("%s: a poll has no %q%s", c.where(kv.Key), key, hint)
			}
			if poll.values[key], err = c.located(kv.Value); err != nil {
				return err
			}
		}
		if len(poll.values["url"]) != 1 {
			return fmt.Errorf("%s: the poll %s needs one url, as in `%s`", poll.where, poll.name, example)
		}
		c.sections.polls = append(c.sections.polls, poll)
	}
	return nil
}

// pollKeys are the keys of a poll: url, and names of flags.
var pollKeys = []string{
	"backoff", "ca", "changed", "cron", "every", "fail-on", "header", "insecure", "max", "path", "preset",
	"timeout", "unless-delivered", "until", "url", "wait-first",
}

// applyFilePoll gives f the values of a poll of the configuration file, but
// for those that stand on the command line.
func (a *app) applyFilePoll(f *pollFlags, set *pflag.FlagSet, name string) error {
	var names []string
	for _, p := range a.file.polls {
		if p.name == name {
			err := p.apply(a, f, set)
			maps.Copy(a.file.places, p.places)
			return err
		}
		names = append(names, p.name)
	}
	if near := inspect.Nearest(name, names); near != "" {
		return usagef("there is no poll %q, did you mean %q?", name, near)
	}
	return usagef("%q is neither a URL nor one of `polls:` in %s: give a URL that begins with https://", name, configName)
}

func (p *filePoll) apply(a *app, f *pollFlags, set *pflag.FlagSet) error {
	f.name = p.name
	for key, values := range p.values {
		var texts []string
		for _, v := range values {
			text := v.value
			if key != "header" { // whose variables are put in later
				var err error
				if text, err = a.expand(v.where, v.value); err != nil {
					return settingError{err}
				}
			}
			texts = append(texts, text)
		}
		if key == "url" {
			f.url = texts[0]
			continue
		}
		flag := set.Lookup(key)
		if flag.Changed {
			continue
		}
		if err := setFlag(set, flag, values[0].where, texts...); err != nil {
			return settingError{err}
		}
		flag.Changed = true
		p.places[key] = values[0].where
	}
	return nil
}

// A standing is a poll that a running listen keeps asking.
type standing struct {
	f *pollFlags
	p *replay.Poll
}

// filePolls returns the polls of the configuration file.
func (a *app) filePolls() (list []standing, err error) {
	for _, item := range a.file.polls {
		f, cmd := &pollFlags{}, &cobra.Command{}
		f.add(a, cmd)
		if err := item.apply(a, f, cmd.Flags()); err != nil {
			return nil, err
		}
		p, err := f.poll(a, cmd.Flags())
		if err != nil {
			if err, ok := inSetting(err, item.places); ok {
				return nil, err
			}
			return nil, settingError{fmt.Errorf("%s: %w", item.where, err)}
		}
		list = append(list, standing{f, p})
	}
	return list, nil
}

// startPolls asks until the session ends.
func (s *session) startPolls(polls []standing) {
	for _, poll := range polls {
		r := &pollRun{a: s.a, f: poll.f, p: poll.p, store: s.store, sender: s.sender, out: quietPoll{}}
		s.wg.Go(func() {
			if err := r.run(s.ctx); err != nil && s.ctx.Err() == nil && err != errSilent && err != errGaveUp {
				s.a.sayf("hookloop: the poll %s of %s has ended: %s", inspect.Escape(poll.f.name), inspect.Escape(r.host()), err)
			}
		})
	}
}
