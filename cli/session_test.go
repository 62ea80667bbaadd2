package cli

import (
	"net"
	"testing"
)

// TestDeliveryPage checks the address that the terminal's o opens. The page
// takes the delivery from the fragment, see TestPageOpensTheDeliveryOfItsAddress.
func TestDeliveryPage(t *testing.T) {
	page, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = page.Close() }()
	s := &session{page: page, token: "secret"}
	want := "http://" + page.Addr().String() + "/?token=secret#12"
	if got := s.deliveryURL(12); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
