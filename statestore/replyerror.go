package statestore

// ReplyError is the text of an error reply. Clients compare it byte for byte.
type ReplyError string

// The errors of the protocol, in the words that clients match.
const (
	ErrFutureTimestamp  ReplyError = "the request timestamp is too far in the future; ensure that the client and broker system clocks are synchronized"
	ErrFenceRequired    ReplyError = "a fencing token is required for this request"
	ErrFutureFence      ReplyError = "the request fencing token timestamp is too far in the future; ensure that the client and broker system clocks are synchronized"
	ErrFenceLower       ReplyError = "the request fencing token is a lower version than the fencing token protecting the resource"
	ErrQuota            ReplyError = "the quota has been exceeded"
	ErrSyntax           ReplyError = "syntax error"
	ErrNotAuthorized    ReplyError = "not authorized"
	ErrUnknownCommand   ReplyError = "unknown command"
	ErrArgumentCount    ReplyError = "wrong number of arguments"
	ErrMissingTimestamp ReplyError = "missing timestamp"
	ErrMalformedTime    ReplyError = "malformed timestamp"
	ErrEmptyKey         ReplyError = "the key length is zero"
)

// Error returns the text with the name of the package before it; on the wire
// there is the text alone, see AppendError.
func (e ReplyError) Error() string { return "statestore: " + string(e) }
