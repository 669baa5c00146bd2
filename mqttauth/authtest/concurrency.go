package authtest

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/mqttwarden/mqttwarden/mqttauth"
)

// callers is how many ask at once in the concurrency check.
const callers = 16

func checkConcurrency(ctx context.Context, m mqttauth.Method, c Case) string {
	problems := make(chan string, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			own := c
			own.Credentials.ClientID = fmt.Sprint("authtest-", i)
			r, err := ask(ctx, m, own)
			_ = maps.Clone(r.Principal.Attributes) // for the race detector
			switch got := mqttauth.OutcomeOf(r, err); {
			case got != c.Want:
				problems <- fmt.Sprintf("%v among %d callers at once, want %v (error: %v)", got, callers, c.Want, err)
			case got == mqttauth.Accepted && r.Principal.ClientID != "" && r.Principal.ClientID != own.Credentials.ClientID:
				problems <- fmt.Sprintf("%s got the answer for %s", own.Credentials.ClientID, r.Principal.ClientID)
			}
		})
	}
	all.Wait()
	close(problems)
	return <-problems
}
