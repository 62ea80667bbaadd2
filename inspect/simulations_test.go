package inspect

import (
	"bytes"
	"errors"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

func addDelivery(t testing.TB, s *Store, source Source) int64 {
	t.Helper()
	d := testDelivery("{}")
	d.Source = source
	if err := s.Add(t.Context(), d, nil); err != nil {
		t.Fatal(err)
	}
	return d.ID
}

func beginSimulation(t testing.TB, s *Store, delivery int64) *Simulation {
	t.Helper()
	sim := &Simulation{
		Kind: "duplicates", Title: "2 duplicates", DeliveryID: delivery, Deliveries: []int64{delivery}, StartedAt: time.Now().UTC(),
		Steps: []Step{{Label: "attempt 1 of 2", State: StepDone}, {Label: "attempt 2 of 2", State: StepRunning}, {Label: "x", State: StepPlanned}},
	}
	if err := s.BeginSimulation(t.Context(), sim); err != nil {
		t.Fatal(err)
	}
	return sim
}

func TestSource(t *testing.T) {
	s := openStore(t, t.TempDir())
	for _, source := range []Source{FromProvider, FromTrigger, FromPoll} {
		id := addDelivery(t, s, source)
		d, err := s.Delivery(t.Context(), id)
		if err != nil || d.Source != source {
			t.Errorf("Delivery: got %q %v, want %q", d.Source, err, source)
		}
		list, err := s.List(t.Context(), ListOptions{Limit: 1})
		if err != nil || list[0].Source != source {
			t.Errorf("List: got %q %v, want %q", list[0].Source, err, source)
		}
	}
	for query, want := range map[string][]int64{
		"source:trigger": {2}, "source:poll": {3}, "is:simulated": {2}, "-is:simulated": {1, 3}, "source:mock": nil,
	} {
		if got, err := s.Matching(t.Context(), query); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s finds %v %v, want %v", query, got, err, want)
		}
	}
}

func TestSimulationRoundTrip(t *testing.T) {
	ctx, s := t.Context(), openStore(t, t.TempDir())
	id := addDelivery(t, s, "")
	rev, _ := s.Rev(ctx)
	sim := beginSimulation(t, s, id)
	if sim.ID != 1 || sim.State != SimulationRunning {
		t.Fatalf("got %+v, want simulation 1, running", sim)
	}
	a := newAttempt(Duplicate)
	a.DeliveryID, a.Simulation = id, sim.ID
	if err := s.Begin(ctx, a); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Attempt(ctx, id, 1); err != nil || got.Simulation != sim.ID {
		t.Errorf("the attempt is of simulation %d (%v), want %d", got.Simulation, err, sim.ID)
	}
	yes := true
	sim.Steps[1] = Step{Label: "2", State: StepDone, Attempt: 1, Status: 200, OK: &yes, DueAt: time.Now().UTC(), Offset: time.Hour}
	sim.Probes = []Reading{{When: "before", Value: "4 \x00\xff"}}
	sim.Table = &Table{Columns: []string{"a"}, Rows: [][]string{{"1"}}}
	sim.Reasons = []Reason{{Fail, CheckSideEffect, "the count went from 4 to 6"}}
	sim.State, sim.Verdict, sim.EndedAt = SimulationEnded, Fail, time.Now().UTC()
	if err := s.SaveSimulation(ctx, sim); err != nil {
		t.Fatal(err)
	}
	sim.Probes[0].Value = "4 \x00\ufffd" // JSON is UTF-8
	got, err := s.Simulation(ctx, sim.ID)
	if err != nil || !reflect.DeepEqual(got, sim) {
		t.Errorf("got  %+v %v\nwant %+v", got, err, sim)
	}
	if c, err := s.Since(ctx, rev); err != nil || len(c.Deliveries) != 1 || c.Rev != rev+3 {
		t.Errorf("Since: got %+v %v, want the delivery changed three times", c, err)
	}

	// What has ended stays.
	again := *sim
	again.Verdict = Pass
	if err := s.SaveSimulation(ctx, &again); err != nil {
		t.Error(err)
	}
	if got, _ := s.Simulation(ctx, sim.ID); got.Verdict != Fail {
		t.Errorf("the verdict became %s", got.Verdict)
	}
}

func TestSimulations(t *testing.T) {
	ctx, s := t.Context(), openStore(t, t.TempDir())
	first, second := addDelivery(t, s, ""), addDelivery(t, s, "")
	end := func(delivery int64, v Verdict) {
		sim := beginSimulation(t, s, delivery)
		sim.State, sim.Verdict = SimulationEnded, v
		if err := s.SaveSimulation(ctx, sim); err != nil {
			t.Fatal(err)
		}
	}
	end(first, Fail)
	end(second, Pass)
	end(first, Inconclusive)
	ids := func(delivery int64, limit int) (ids []int64) {
		list, err := s.Simulations(ctx, delivery, limit)
		if err != nil {
			t.Error(err)
		}
		for _, sim := range list {
			ids = append(ids, sim.ID)
		}
		return ids
	}
	for _, tt := range []struct {
		delivery int64
		limit    int
		want     []int64
	}{{0, 0, []int64{3, 2, 1}}, {0, 2, []int64{3, 2}}, {first, 0, []int64{3, 1}}, {second, 0, []int64{2}}, {99, 0, nil}} {
		if got := ids(tt.delivery, tt.limit); !slices.Equal(got, tt.want) {
			t.Errorf("of #%d, at most %d: got %v, want %v", tt.delivery, tt.limit, got, tt.want)
		}
	}
	for query, want := range map[string][]int64{"verdict:fail": nil, "verdict:PASS": {second}, "verdict:inconclusive": {first}, "-verdict:pass": {first}} {
		if got, err := s.Matching(ctx, query); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s finds %v %v, want %v", query, got, err, want)
		}
	}
	if _, err := s.Remove(ctx, first); err != nil {
		t.Fatal(err)
	}
	if got := ids(0, 0); !slices.Equal(got, []int64{2}) {
		t.Errorf("after the removal: got %v, want 2", got)
	}
	gone := &Simulation{ID: 1, DeliveryID: first, State: SimulationEnded}
	if err := s.SaveSimulation(ctx, gone); !errors.Is(err, ErrNotFound) {
		t.Errorf("saving what was removed: %v, want not found", err)
	}
	if _, err := s.Simulation(ctx, 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("reading what was removed: %v, want not found", err)
	}
	if err := s.BeginSimulation(ctx, &Simulation{DeliveryID: first}); !errors.Is(err, ErrNotFound) {
		t.Errorf("of a delivery that is gone: %v, want not found", err)
	}
	addDelivery(t, s, "")
	if sim := beginSimulation(t, s, second); sim.ID != 4 {
		t.Errorf("the number %d, want 4: none is used twice", sim.ID)
	}
}

// A simulation whose process ended has a verdict all the same.
func TestSimulationInterrupted(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	id := addDelivery(t, s, "")
	sim := beginSimulation(t, s, id)
	// A session that no process holds is that of a dead one.
	if err := s.do(t.Context(), func(w *writer) error {
		return errors.Join(w.exec("UPDATE sessions SET id=77"), w.exec("UPDATE simulations SET session=77"))
	}); err != nil {
		t.Fatal(err)
	}
	other := openStore(t, dir)
	got, err := other.Simulation(t.Context(), sim.ID)
	if err != nil || got.State != SimulationInterrupted || got.Verdict != Inconclusive || len(got.Reasons) != 1 || got.EndedAt.IsZero() {
		t.Fatalf("got %+v %v, want an interrupted one", got, err)
	}
	if states := []StepState{got.Steps[0].State, got.Steps[1].State, got.Steps[2].State}; !slices.Equal(states, []StepState{StepDone, StepDone, StepSkipped}) {
		t.Errorf("its steps are %v", states)
	}
	if found, err := other.Matching(t.Context(), "verdict:inconclusive"); err != nil || !slices.Equal(found, []int64{id}) {
		t.Errorf("the search finds %v %v", found, err)
	}
}

// A running simulation keeps its delivery.
func TestSimulationRetention(t *testing.T) {
	s := openStore(t, t.TempDir())
	kept, goes := addDelivery(t, s, ""), addDelivery(t, s, "")
	sim := beginSimulation(t, s, kept)
	old := Retention{Age: time.Nanosecond}
	if n, err := s.Retain(t.Context(), old); err != nil || n != 1 {
		t.Fatalf("%d removed (%v), want #%d alone", n, err, goes)
	}
	sim.State, sim.Verdict = SimulationEnded, Pass
	if err := s.SaveSimulation(t.Context(), sim); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Retain(t.Context(), old); err != nil || n != 1 {
		t.Errorf("%d removed (%v), want #%d", n, err, kept)
	}
}

func TestSimulationStepsAreBounded(t *testing.T) {
	s := openStore(t, t.TempDir())
	sim := beginSimulation(t, s, addDelivery(t, s, ""))
	sim.Steps = make([]Step, MaxSteps+7)
	if err := s.SaveSimulation(t.Context(), sim); err != nil {
		t.Fatal(err)
	}
	got, err := s.Simulation(t.Context(), sim.ID)
	if err != nil || len(got.Steps) != MaxSteps || got.MoreSteps != 7 || len(sim.Steps) != MaxSteps+7 {
		t.Errorf("%d steps and %d more (%v), want %d and 7", len(got.Steps), got.MoreSteps, err, MaxSteps)
	}
}

// Exports name the source and the simulation; an import takes the source alone.
func TestSimulationExports(t *testing.T) {
	d := testDelivery("{}")
	d.ID, d.Source = 1, FromTrigger
	record := Record{Delivery: d, Attempts: []Attempt{{DeliveryID: 1, Number: 1, Trigger: Retry, State: Answered, Simulation: 9}}}
	var jsonl, har, csv bytes.Buffer
	if err := errors.Join(WriteJSONL(&jsonl, sequence(record)), WriteHAR(&har, "1", sequence(record)), WriteCSV(&csv, sequence(record))); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"JSONL": jsonl.String(), "HAR": har.String()} {
		if !strings.Contains(text, `"source":"trigger"`) || !strings.Contains(text, `"simulation":9`) {
			t.Errorf("%s: got %s", name, text)
		}
	}
	if rows := readCSV(t, csv.Bytes()); rows[0]["source"] != "trigger" || rows[0]["simulation"] != "9" {
		t.Errorf("CSV: got %v", rows)
	}
	for got, err := range ReadJSONL(&jsonl) {
		if err != nil || got.Delivery.Source != FromTrigger || got.Attempts[0].Simulation != 0 {
			t.Errorf("read back: got %+v %v", got, err)
		}
	}
}

// A store of version 2 keeps what it has.
func TestMigrationToSimulations(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	id := addDelivery(t, s, "")
	path := s.path()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	err = sqlitex.ExecuteScript(conn, "DROP TABLE origins; DROP TABLE simulations; DROP TABLE simulation_attempts; DROP TABLE simulation_links; DROP TABLE backlog; PRAGMA user_version=2;", nil)
	if err := errors.Join(err, conn.Close()); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir)
	if d, err := s.Delivery(t.Context(), id); err != nil || string(d.Body) != "{}" || d.Source != "" {
		t.Errorf("got %+v %v", d, err)
	}
	beginSimulation(t, s, id)
}

// All deliveries of a simulation are linked to it, also those of a store of version 3.
func TestSimulationLinks(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	s := openStore(t, dir)
	first, second := addDelivery(t, s, ""), addDelivery(t, s, "")
	addDelivery(t, s, "")
	addDelivery(t, s, "")
	sim := &Simulation{Kind: "reorder", DeliveryID: first, Deliveries: []int64{first, second, 99}, StartedAt: time.Now().UTC()}
	changed := func(rev int64) (ids []int64) {
		c, err := s.Since(ctx, rev)
		if err != nil || len(c.Removed) > 0 {
			t.Fatalf("Since: %+v %v", c, err)
		}
		for _, d := range c.Deliveries {
			ids = append(ids, d.ID)
		}
		slices.Sort(ids)
		return ids
	}
	rev, _ := s.Rev(ctx)
	if err := s.BeginSimulation(ctx, sim); err != nil {
		t.Fatal(err)
	}
	if got := changed(rev); !slices.Equal(got, []int64{first, second}) {
		t.Errorf("its beginning changed %v", got)
	}
	if n, err := s.Retain(ctx, Retention{Age: time.Nanosecond}); err != nil || n != 2 {
		t.Errorf("%d removed (%v), want all that do not run", n, err)
	}
	third := addDelivery(t, s, "")
	rev, _ = s.Rev(ctx)
	sim.Deliveries, sim.State, sim.Verdict = append(sim.Deliveries, third), SimulationEnded, Pass
	if err := s.SaveSimulation(ctx, sim); err != nil {
		t.Fatal(err)
	}
	if got := changed(rev); !slices.Equal(got, []int64{first, second, third}) {
		t.Errorf("its end changed %v", got)
	}
	other := addDelivery(t, s, "")
	check := func(when string) {
		t.Helper()
		all := []int64{first, second, third}
		for _, id := range all {
			if list, err := s.Simulations(ctx, id, 0); err != nil || len(list) != 1 || list[0].ID != sim.ID {
				t.Errorf("%s: #%d has %+v %v, want the simulation", when, id, list, err)
			}
		}
		if list, err := s.Simulations(ctx, other, 0); err != nil || len(list) != 0 {
			t.Errorf("%s: #%d has %+v %v, want none", when, other, list, err)
		}
		if got, err := s.Verdicts(ctx, append(all, other)); err != nil || !maps.Equal(got, map[int64]string{first: "PASS", second: "PASS", third: "PASS"}) {
			t.Errorf("%s: the verdicts are %v %v", when, got, err)
		}
		if got, err := s.Matching(ctx, "verdict:pass"); err != nil || len(got) != 3 || slices.Contains(got, other) {
			t.Errorf("%s: verdict:pass finds %v %v", when, got, err)
		}
	}
	check("when it has ended")

	path := s.path()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	err = sqlitex.ExecuteScript(conn, `DROP TABLE simulation_links; INSERT INTO simulations(session, delivery_id, kind, state, verdict, started_at, body)
		VALUES(1, 1, 'lost-ack', 'ended', 'FAIL', 0, '{"deliveries":null}'); PRAGMA user_version=3;`, nil)
	if err := errors.Join(err, conn.Close()); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir)
	if list, err := s.Simulations(ctx, first, 0); err != nil || len(list) != 2 {
		t.Errorf("after the migration: #%d has %+v %v, want two", first, list, err)
	}
	if err := s.do(ctx, func(w *writer) error {
		return errors.Join(w.exec("DELETE FROM simulation_links WHERE simulation=2"), w.exec("DELETE FROM simulations WHERE id=2"))
	}); err != nil {
		t.Fatal(err)
	}
	check("after the migration")
	if _, err := s.Remove(ctx, first); err != nil { // under which it is listed
		t.Fatal(err)
	}
	if got, err := s.Verdicts(ctx, []int64{first, second, third}); err != nil || len(got) != 0 {
		t.Errorf("after the removal: %v %v, want none", got, err)
	}
}

// An early build of version 1 had a table of simulations that nothing wrote.
// A store which has it still opens, whichever version it was brought to since.
func TestUpgradeFromEarlySimulations(t *testing.T) {
	const early = `CREATE TABLE simulations (id INTEGER PRIMARY KEY AUTOINCREMENT, started_at INTEGER NOT NULL,
		kind TEXT NOT NULL, verdict TEXT NOT NULL, detail TEXT NOT NULL) STRICT;`
	for version := 1; version <= 2; version++ {
		dir := t.TempDir()
		versionOne(t, dir)
		conn, err := sqlite.OpenConn(filepath.Join(dir, dbName), sqlite.OpenReadWrite)
		if err != nil {
			t.Fatal(err)
		}
		script := early
		if version == 2 {
			script += migrations[1] + "; PRAGMA user_version=2;"
		}
		if err := errors.Join(sqlitex.ExecuteScript(conn, script, nil), conn.Close()); err != nil {
			t.Fatal(err)
		}
		s := openStore(t, dir)
		beginSimulation(t, s, 3)
		if list, err := s.List(t.Context(), ListOptions{}); err != nil || len(list) != 3 {
			t.Errorf("from version %d: got %d deliveries %v, want 3", version, len(list), err)
		}
	}
}
