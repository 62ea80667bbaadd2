package replay

import (
	"math/rand/v2"
	"slices"
)

// maxOrders is how many orders are tried: all of five deliveries.
const maxOrders = 120

// orders returns the orders of n things to try: reversed, which is to find a
// handler that knows none of them yet, as they are and, for all, every other up
// to maxOrders; of more, some that are the same each time.
func orders(n int, all bool) (list [][]int, sampled bool) {
	first := make([]int, n)
	for i := range first {
		first[i] = i
	}
	reverse := slices.Clone(first)
	slices.Reverse(reverse)
	list = [][]int{reverse, first}
	if !all {
		return list, false
	}
	add := func(order []int) {
		if !slices.ContainsFunc(list, func(o []int) bool { return slices.Equal(o, order) }) {
			list = append(list, slices.Clone(order))
		}
	}
	if factorial(n) <= maxOrders {
		permute(first, 0, add)
		return list, false
	}
	random := rand.New(rand.NewPCG(1, uint64(n)))
	for len(list) < maxOrders {
		add(random.Perm(n))
	}
	return list, true
}

// permute calls visit with every order of what stands from at on.
func permute(order []int, at int, visit func([]int)) {
	if at == len(order) {
		visit(order)
		return
	}
	order = slices.Clone(order)
	for i := at; i < len(order); i++ {
		order[at], order[i] = order[i], order[at]
		permute(order, at+1, visit)
	}
}

// factorial returns n!, or more than maxOrders.
func factorial(n int) int {
	product := 1
	for i := 2; i <= n && product <= maxOrders; i++ {
		product *= i
	}
	return product
}
