package mqttauthz_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/mqttwarden/mqttwarden/mqttauthz"
)

// unitRules returns the ten rules of one unit of a generated policy: the shapes
// of the documents, each with the unit's number in it.
func unitRules(unit int) []mqttauthz.Rule {
	n := strconv.Itoa(unit)
	attributes := func(pairs ...string) mqttauthz.Principals {
		m := make(map[string]string)
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return mqttauthz.Principals{Attributes: []map[string]string{m}}
	}
	connect := func(ids ...string) mqttauthz.BrokerResource {
		return mqttauthz.BrokerResource{Method: mqttauthz.Connect, ClientIDs: ids}
	}
	publish := func(topics ...string) mqttauthz.BrokerResource {
		return mqttauthz.BrokerResource{Method: mqttauthz.Publish, Topics: topics}
	}
	subscribe := func(topics ...string) mqttauthz.BrokerResource {
		return mqttauthz.BrokerResource{Method: mqttauthz.Subscribe, Topics: topics}
	}
	keys := func(method mqttauthz.StateStoreMethod, kind mqttauthz.KeyType, keys ...string) mqttauthz.StateStoreResource {
		return mqttauthz.StateStoreResource{Method: method, KeyType: kind, Keys: keys}
	}
	return []mqttauthz.Rule{
		{
			Principals: attributes("building", "building"+n, "organization", "contoso"),
			BrokerResources: []mqttauthz.BrokerResource{
				connect("{principal.attributes.building}*"),
				publish("sensors/{principal.attributes.building}/{principal.clientId}/telemetry/*"),
				subscribe("commands/{principal.attributes.organization}"),
			},
		},
		{
			Principals: attributes("city", "city"+n, "organization", "contoso"),
			BrokerResources: []mqttauthz.BrokerResource{
				publish("/telemetry/{principal.clientId}", "/telemetry/{principal.attributes.organization}"),
				subscribe("/commands/{principal.attributes.organization}"),
			},
		},
		{
			Principals: mqttauthz.Principals{ClientIDs: []string{"dev" + n + "-0", "dev" + n + "-1"}},
			BrokerResources: []mqttauthz.BrokerResource{
				connect(), publish("plant/" + n + "/state"), subscribe("plant/" + n + "/#"),
			},
		},
		{
			Principals: mqttauthz.Principals{Usernames: []string{"user" + n}},
			BrokerResources: []mqttauthz.BrokerResource{
				publish("users/{principal.username}/up/#"), subscribe("users/{principal.username}/down/+"),
			},
		},
		{
			Principals: attributes("group", "group"+n),
			BrokerResources: []mqttauthz.BrokerResource{
				connect(), publish("odd-numbered-orders/" + n), subscribe("orders/" + n),
			},
		},
		{
			Principals: mqttauthz.Principals{ClientIDs: []string{"dev" + n + "-2", "dev" + n + "-3"}},
			BrokerResources: []mqttauthz.BrokerResource{
				publish("site/"+n+"/+/status", "site/"+n+"/alarms/#"), subscribe("site/" + n + "/#"),
			},
		},
		{
			Principals:      attributes("group", "group"+n),
			BrokerResources: []mqttauthz.BrokerResource{connect("dev" + n + "-*")},
		},
		{
			Principals: attributes("building", "building"+n),
			BrokerResources: []mqttauthz.BrokerResource{
				publish("line/" + n + "/machine-*/state"), subscribe("line/" + n + "/+/command"),
			},
		},
		{
			Principals: attributes("group", "group"+n),
			StateStoreResources: []mqttauthz.StateStoreResource{
				keys("Read", "Pattern", "clients/{principal.clientId}/*", "rooms/"+n+"/*", "number"+n+"[0-9]", "char"+n+"?"),
			},
		},
		{
			Principals: mqttauthz.Principals{Usernames: []string{"user" + n}},
			StateStoreResources: []mqttauthz.StateStoreResource{
				keys("ReadWrite", "Binary", fmt.Sprintf("%08d", unit)), keys("ReadWrite", "String", "settings/"+n),
			},
		},
	}
}

// generatedPolicy returns n rules.
func generatedPolicy(n int) []mqttauthz.Rule {
	rules := make([]mqttauthz.Rule, 0, n)
	for unit := 0; len(rules) < n; unit++ {
		rules = append(rules, unitRules(unit)...)
	}
	return rules[:n]
}

// generatedPrincipal returns one of the clients of a policy of n rules.
func generatedPrincipal(i, n int) mqttauthz.Principal {
	unit := strconv.Itoa(i % max(1, n/10))
	return mqttauthz.Principal{
		ClientID: "dev" + unit + "-" + strconv.Itoa(i%4),
		Username: "user" + unit,
		Attributes: map[string]string{
			"building": "building" + unit, "organization": "contoso",
			"city": "city" + unit, "group": "group" + unit,
		},
	}
}

// request is one operation of one client.
type request struct {
	grants *mqttauthz.Grants
	op     byte // p, s or k
	text   string
	key    []byte
}

func (r *request) decide() bool {
	switch r.op {
	case 'p':
		return r.grants.Publish(r.text).Allowed()
	case 's':
		return r.grants.Subscribe(r.text).Allowed()
	default:
		return r.grants.CanReadKey(r.key)
	}
}

// generatedRequest is, of ten, seven publishes, two subscribes and a key, and
// of those eight in ten allowed.
func generatedRequest(r *rand.Rand, who mqttauthz.Principal, unit int, grants *mqttauthz.Grants) request {
	n := strconv.Itoa(unit)
	allowed := r.IntN(10) < 8
	pick := func(texts ...string) string { return texts[r.IntN(len(texts))] }
	q := request{grants: grants, op: "pppppppssk"[r.IntN(10)]}
	switch {
	case q.op == 'p' && allowed:
		q.text = pick(
			"sensors/building"+n+"/"+who.ClientID+"/telemetry/temperature",
			"/telemetry/"+who.ClientID, "/telemetry/contoso", "users/user"+n+"/up/a/b",
			"odd-numbered-orders/"+n, "line/"+n+"/machine-7/state")
	case q.op == 'p':
		q.text = pick(
			"sensors/building"+n+"/other/telemetry/temperature", "/telemetry/other",
			"users/other/up/a", "plant/"+n+"/stat", "line/"+n+"/robot-7/state", "nothing/at/all")
	case q.op == 's' && allowed:
		q.text = pick("commands/contoso", "/commands/contoso", "users/user"+n+"/down/+", "orders/"+n, "line/"+n+"/+/command")
	case q.op == 's':
		q.text = pick("commands/+", "#", "users/+/down/+", "orders/#", "line/"+n+"/#")
	case allowed:
		q.text = pick("clients/"+who.ClientID+"/state/last", "rooms/"+n+"/light", "number"+n+"5", "settings/"+n)
	default:
		q.text = pick("clients/other/state/last", "rooms/x", "number"+n+"x", "nothing")
	}
	q.key = []byte(q.text)
	return q
}
