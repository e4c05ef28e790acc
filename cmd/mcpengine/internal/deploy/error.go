package deploy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/mcpengine/mcpengine/internal/terminal"
)

// A hintError is an error with a hint for the user.
type hintError struct {
	error
	hint string
}

func (e hintError) Unwrap() error { return e.error }

// withHint adds a hint, unless the error has one from closer to the cause.
func withHint(err error, hint string) error {
	if hint == "" || Hint(err) != "" {
		return err
	}
	return hintError{err, hint}
}

// Hint returns what the user can do about an error of this package, or "".
func Hint(err error) string {
	if e, ok := errors.AsType[hintError](err); ok {
		return e.hint
	}
	return ""
}

// is reports whether AWS refused a request with one of the codes.
func is(err error, codes ...string) bool {
	var e smithy.APIError
	return errors.As(err, &e) && slices.Contains(codes, e.ErrorCode())
}

// isAPI reports whether AWS has refused a request or could not be reached.
func isAPI(err error) bool {
	var e *smithy.OperationError
	return errors.As(err, &e)
}

// isMissing reports whether the resource of a request does not exist.
func isMissing(err error) bool {
	return is(err, "ResourceNotFoundException", "NoSuchEntity")
}

// isConflict reports whether the state of a resource is not the one that was read:
// it has been created or deleted, or is being changed. AWS also says so when an
// earlier attempt succeeded although its answer was lost, and while a new resource
// is not yet known everywhere. Reading the state again resolves all of these.
func isConflict(err error) bool {
	return isMissing(err) || is(err, "ResourceConflictException", "ResourceInUseException", "EntityAlreadyExists",
		"ResourceAlreadyExistsException", "OperationAbortedException", "ConcurrentModification")
}

// isUnassumable reports whether Lambda does not know a new role yet.
func isUnassumable(err error) bool {
	var e smithy.APIError
	return errors.As(err, &e) && e.ErrorCode() == "InvalidParameterValueException" &&
		strings.Contains(e.ErrorMessage(), "cannot be assumed")
}

// explain turns an error of the SDK into one for the user. It is called once, where
// an error leaves the package.
func explain(err error, region string) error {
	var op *smithy.OperationError
	if err == nil || Hint(err) != "" || errors.Is(err, context.Canceled) || !errors.As(err, &op) {
		return err
	}
	cause, hint := innermost(err), "check the network, and AWS_ENDPOINT_URL if it is set"
	var api smithy.APIError
	var dns *net.DNSError
	switch {
	case errors.As(err, &api):
		cause, hint = api.ErrorCode()+": "+clean(api.ErrorMessage()), apiHint(op, api, region)
	case errors.As(err, &dns):
		hint = "check the network, and the spelling of region " + region
	}
	// The SDK's own words are about status codes and the number of attempts.
	short := fmt.Sprintf("%s %s: %s", op.Service(), op.Operation(), cause)
	message := errors.New(strings.Replace(err.Error(), op.Error(), short, 1))
	if hint == "" {
		return message
	}
	return withHint(message, hint)
}

func apiHint(op *smithy.OperationError, api smithy.APIError, region string) string {
	switch api.ErrorCode() {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation":
		return "ask for a policy that allows " + deniedAction(op, api) + ", or name another profile with --profile"
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired":
		return "the sign-in has expired: run aws sso login or aws configure again"
	case "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException", "MissingAuthenticationToken":
		return "the credentials are wrong, or region " + region + " is not enabled for the account"
	case "TooManyRequestsException", "ThrottlingException", "Throttling":
		return "AWS is busy; run the same command again, it continues where it stopped"
	case "RequestTooLargeException", "RequestEntityTooLargeException", "CodeStorageExceededException":
		return "the package is too large: embed less, or deploy a container image"
	case "PublicPolicyException":
		return "the account forbids public functions: deploy with --iam"
	case "DeleteConflict":
		return "take away what you have added to the role, then run the same command again"
	}
	if isUnassumable(api) {
		return "AWS has not made the new role known yet; run the same command again in a minute"
	}
	return ""
}

// deniedAction returns the action the caller may not do. The message names it, and
// it is not always the one of the request: creating a function passes a role.
func deniedAction(op *smithy.OperationError, api smithy.APIError) string {
	const marker = "not authorized to perform: "
	if _, rest, ok := strings.Cut(api.ErrorMessage(), marker); ok {
		action, _, _ := strings.Cut(rest, " ")
		return clean(action)
	}
	service := strings.ToLower(op.Service())
	if service == "cloudwatch logs" {
		service = "logs"
	}
	return service + ":" + op.Operation()
}

// innermost returns the cause at the bottom of a chain of errors, in which the SDK
// repeats itself on the way.
func innermost(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return clean(err.Error())
		}
		err = next
	}
}

// clean makes text of AWS fit for an error message: one line, and bounded.
func clean(s string) string { return terminal.Clip(s, 600) }
