// Package awsauth carries HTTP requests to servers that AWS guards: it signs
// them with Signature Version 4 for a Function URL or an API Gateway with IAM
// authorization, or makes invocations of a Lambda function of them.
//
// Both are an [http.RoundTripper], so that the HTTP code above them need not
// know about AWS. The credentials are found as the AWS tools find them, when
// the first request needs them.
package awsauth
