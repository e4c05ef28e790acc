package messages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/jackc/pgx/v5"
)

// A secret is one of AWS Secrets Manager that holds a user name and a password,
// as RDS keeps them.
//
// It is asked for with the AWS SDK. The extension for secrets on Lambda would
// need no SDK but a layer, which differs by region and which an image cannot
// have, and keeps what it read for five minutes, a changed password included.
type secret struct{ arn string }

// apply puts the credentials into the configuration of a new connection. They
// are read for each: connections are few and live long, and so a password that
// was changed is read again when it is needed and by no other rule.
func (s secret) apply(ctx context.Context, conn *pgx.ConnConfig) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("configure the AWS SDK: %w", err)
	}
	value, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.arn})
	if err != nil {
		return fmt.Errorf("read the secret of the database: %w", err)
	}
	var credentials struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
	// The cause would quote what it could not read.
	if json.Unmarshal([]byte(aws.ToString(value.SecretString)), &credentials) != nil || credentials.Username == "" || credentials.Password == "" {
		return errors.New("read the secret of the database: it is not a JSON object with username and password")
	}
	conn.User, conn.Password = credentials.Username, credentials.Password
	return nil
}
