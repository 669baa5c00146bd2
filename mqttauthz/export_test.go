package mqttauthz

import "context"

// Loss is Coverage.Of with what is lost.
func (c *Coverage) Loss(ctx context.Context, who Principal) (op Operation, text string, lost bool) {
	return c.loss(ctx, who)
}

// Ask decides one request.
func Ask(g *Grants, o Operation, text string) bool { return g.ask(o, text).Allowed() }
