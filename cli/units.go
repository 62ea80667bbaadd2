package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// parseSize reads "500", "64K", "32M" or "2G" (powers of 1024, B optional).
func parseSize(flag, s string) (int64, error) {
	digits := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(s)), "B"), "I")
	shift := 0
	if i := strings.IndexAny(digits, "KMG"); i >= 0 && i == len(digits)-1 {
		shift = 10 * (strings.IndexByte("KMG", digits[i]) + 1)
		digits = digits[:i]
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt64>>shift {
		return 0, usagef("%s %q is not a size: give a number of bytes such as 500, 64K, 32M or 2G", flag, s)
	}
	return n << shift, nil
}

const day = age(24 * time.Hour)

// An age is a duration that may be given in days; -1 is no bound.
type age time.Duration

func (a *age) Type() string { return "age" }

func (a *age) String() string {
	if *a >= day && *a%day == 0 {
		return fmt.Sprintf("%dd", *a/day)
	}
	return time.Duration(*a).String()
}

func (a *age) Set(s string) error {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		*a = age(n) * day
		return err
	}
	if s == "-1" {
		*a = -1
		return nil
	}
	d, err := time.ParseDuration(s)
	*a = age(d)
	return err
}

// countOf is a number with what there are so many of.
func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
