/*
 * Keys that are lent for a while, as the agents of Amazon's machines and containers write them: JSON with AccessKeyId,
 * SecretAccessKey, Token and Expiration.  And where such an agent may be asked.
 *
 * Foreign bytes in, plain values out.  Sources: "Amazon ECS task IAM role", "EKS Pod Identity", "Retrieve security credentials
 * from instance metadata" (IMDSv2) of Amazon's guides.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define S3_LENT_ID_SIZE     129
#define S3_LENT_SECRET_SIZE 252 /* what s3_sign.c has room for, behind its "AWS4" */
#define S3_LENT_TOKEN_SIZE  8193
#define S3_LENT_ROLE_SIZE   129

/* Secrets are in it: s3_lent_wipe(). */
struct s3_lent {
	char access_key_id[S3_LENT_ID_SIZE];
	char secret_access_key[S3_LENT_SECRET_SIZE];
	char session_token[S3_LENT_TOKEN_SIZE];
	int64_t expires_at_ms; /* wall clock; 0: it was not said */
};

/* ERR_UNAVAILABLE: no keys are in it, or none that may be sent in a head; the text says what it says, and no secret. */
bool s3_lent_read(struct str json, struct s3_lent *out, struct err *err) MUST_CHECK;
void s3_lent_wipe(struct s3_lent *lent);

/* One line, of what may stand in a head: a token ("Basic YWJj").  What is around it is taken off.  False: it is none, or too long. */
bool s3_lent_line(struct str text, char *out, size_t size) MUST_CHECK;
/* The name of a role, the first line of a list of them. */
bool s3_lent_role(struct str text, char out[S3_LENT_ROLE_SIZE]) MUST_CHECK;

/*
 * Whoever is asked there gets to hand out keys, and hears a token: by http it has to be on this machine, or beside it (loopback,
 * link-local, fd00:ec2::); another one by https.  ERR_INVALID; `key` is the setting's.
 */
bool s3_lent_check_address(const char *key, const char *url, struct err *err) MUST_CHECK;
