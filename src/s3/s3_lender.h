/*
 * Who lends keys: the agent of a container (Amazon ECS and EKS), or of a machine (EC2, by version 2 of its metadata service).
 *
 * It is asked at once, again five minutes before what it lent ends, and when the bucket says that it has.  While it does not answer
 * what it lent last is used on.  On the bucket's loop; it is asked past any proxy, follows nobody elsewhere, and reaches the
 * address of the setting alone.
 */
#pragma once

#include "base/compiler.h"
#include "base/err.h"
#include "base/own.h"
#include "s3/s3_options.h"

#include <stdbool.h>

struct loop;
struct s3_keys;
struct s3_lender;

/* ERR_INVALID: names the setting that is wrong. */
bool s3_lender_check(const struct s3_options *options, struct err *err) MUST_CHECK;

/* Who hears that other keys are there. */
struct s3_borrower {
	void (*lent)(struct s3_borrower *borrower);
};

/* What is lent goes to `keys`.  The first question is asked at once; borrower and keys outlive it. */
bool s3_lender_open(struct loop *loop, const struct s3_options *options, struct s3_keys *keys,
		    struct s3_borrower *borrower, struct s3_lender **out,
		    struct err *err) MUST_CHECK;
void s3_lender_free(struct s3_lender *lender);
DEFINE_AUTO(struct s3_lender *, s3_lender_free)

/* The bucket takes those no more, or there are none: others are asked for, at once unless that was just done. */
void s3_lender_doubt(struct s3_lender *lender);
/* Why there are none; "": nothing was answered yet, or all is well. */
const char *s3_lender_trouble(const struct s3_lender *lender);
