#include "sim/sim_faults.h"

#include <string.h>

/* How the value of a kind is read. */
enum value_type {
	VALUE_NONE,
	VALUE_SECONDS_OR_NONE,
	VALUE_PAGE,
	VALUE_URL_OR_NONE,
	VALUE_DURATION,
	VALUE_SPEED,
	VALUE_PLACE,
	VALUE_SIGNED,
	VALUE_TEXT,
};

static const struct {
	const char *name;
	enum value_type value;
} kinds[SIM_FAULT_KINDS] = {
	[SIM_FAULT_STATUS] = { "400..599", VALUE_SECONDS_OR_NONE },
	[SIM_FAULT_PAGE] = { "page", VALUE_PAGE },
	[SIM_FAULT_EMPTY] = { "empty", VALUE_NONE },
	[SIM_FAULT_REDIRECT] = { "redirect", VALUE_URL_OR_NONE },
	[SIM_FAULT_CLOSE] = { "close", VALUE_NONE },
	[SIM_FAULT_HANG] = { "hang", VALUE_NONE },
	[SIM_FAULT_DELAY] = { "delay", VALUE_DURATION },
	[SIM_FAULT_SLOW] = { "slow", VALUE_SPEED },
	[SIM_FAULT_STALL] = { "stall", VALUE_PLACE },
	[SIM_FAULT_CUT] = { "cut", VALUE_PLACE },
	[SIM_FAULT_LENGTH] = { "length", VALUE_SIGNED },
	[SIM_FAULT_NO_LENGTH] = { "no-length", VALUE_NONE },
	[SIM_FAULT_TYPE] = { "type", VALUE_TEXT },
	[SIM_FAULT_RANGES] = { "ranges", VALUE_NONE },
	[SIM_FAULT_CHANGED] = { "changed", VALUE_NONE },
	[SIM_FAULT_DROP] = { "drop-callback", VALUE_NONE },
	[SIM_FAULT_DUPLICATE] = { "duplicate-callback", VALUE_NONE },
	[SIM_FAULT_REORDER] = { "reorder-callback", VALUE_NONE },
};

uint64_t sim_chance(uint64_t *seed)
{
	uint64_t mixed = *seed += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ (mixed >> 31);
}

/* ---- reading a rule: from its end, because a value may be an address ---- */

/* Takes `mark` and what follows off the end of *text; at == NULL when there is none. */
static struct str cut_behind(struct str *text, char mark)
{
	for (size_t i = text->len; i > 0; i--) {
		if (text->at[i - 1] != mark)
			continue;

		struct str behind = str_after(*text, i);

		*text = str_first(*text, i - 1);
		return behind;
	}
	return STR_NONE;
}

static void read_target(struct str *text, struct sim_fault *out)
{
	struct str rest = *text, target = cut_behind(&rest, ':');

	if (sid_is_recording(target) &&
	    str_copy(target, out->recording_sid, sizeof(out->recording_sid)))
		out->target = SIM_TARGET_RECORDING;
	else if (str_eq(target, STR("api")))
		out->target = SIM_TARGET_API;
	else if (str_eq(target, STR("all")))
		out->target = SIM_TARGET_ALL;
	else
		return; /* a colon of an address */
	*text = rest;
}

/* "50" or "0.5" per cent, with the sign, in millionths. */
static bool read_share(struct str text, uint64_t whole, uint64_t *out)
{
	uint64_t before = 0, after = 0;
	struct str digits = str_first(text, text.len > 0 ? text.len - 1 : 0);
	size_t point = str_find(digits, '.');
	struct str fraction = str_after(digits, point + 1);

	if (text.len == 0 || text.at[text.len - 1] != '%' ||
	    !str_to_u64(str_first(digits, point), &before) || before > 100 || fraction.len > 4 ||
	    (point < digits.len && !str_to_u64(fraction, &after)))
		return false;
	for (size_t i = fraction.len; i < 4; i++)
		after *= 10;
	*out = (before * 10000 + after) * whole / 1000000;
	return *out <= whole;
}

static bool read_place(struct str text, struct sim_place *out)
{
	out->is_given = true;
	out->is_share = str_ends(text, STR("%"));
	if (out->is_share)
		return read_share(text, 1000, &out->value);
	return str_to_u64(text, &out->value);
}

static bool read_value(struct str value, struct sim_fault *out)
{
	uint64_t number = 0;

	switch (kinds[out->kind].value) {
	case VALUE_NONE:
		return !value.at;
	case VALUE_SECONDS_OR_NONE:
		if (value.at && (!str_to_u64(value, &number) || number > 86400))
			return false;
		out->number = (int64_t)number;
		return true;
	case VALUE_PAGE:
		return (str_eq(value, STR("xml")) || str_eq(value, STR("json")) ||
			str_eq(value, STR("html"))) &&
		       str_copy(value, out->value, sizeof(out->value));
	case VALUE_URL_OR_NONE:
		return !value.at ||
		       ((str_starts(value, STR("http://")) || str_starts(value, STR("https://"))) &&
			str_copy(value, out->value, sizeof(out->value)));
	case VALUE_DURATION:
		return str_to_duration_ms(value, &out->number) && out->number <= 86400000;
	case VALUE_SPEED:
		if (!str_to_u64(value, &number) || number == 0 || number > UINT32_MAX)
			return false;
		out->number = (int64_t)number;
		return true;
	case VALUE_PLACE:
		return read_place(value, &out->place);
	case VALUE_SIGNED:
		return str_to_i64(str_after(value, str_starts(value, STR("+")) ? 1 : 0),
				  &out->number) &&
		       out->number != 0 && out->number > -INT32_MAX && out->number < INT32_MAX;
	case VALUE_TEXT:
		return value.len > 0 && str_copy(value, out->value, sizeof(out->value));
	}
	return false;
}

static bool read_kind(struct str name, struct sim_fault *out)
{
	uint64_t status;

	if (str_to_u64(name, &status) && status >= 400 && status <= 599) {
		out->kind = SIM_FAULT_STATUS;
		out->status = (int)status;
		return true;
	}
	for (size_t i = SIM_FAULT_STATUS + 1; i < SIM_FAULT_KINDS; i++) {
		if (!str_eq(name, str_of(kinds[i].name)))
			continue;
		out->kind = (enum sim_fault_kind)i;
		return true;
	}
	return false;
}

static bool is_printable(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < ' ' || text.at[i] > '~')
			return false;
	return true;
}

bool sim_fault_read(struct str text, struct sim_fault *out, struct err *err)
{
	struct sim_fault fault = { .rate = 1000000 };
	struct str rest = str_trim(text);
	uint64_t share = 1000000, times = 0;

	if (!is_printable(rest) || !str_copy(rest, fault.text, sizeof(fault.text)))
		return err_set(err, ERR_INVALID, "a fault is one line of at most %d characters",
			       SIM_FAULT_TEXT - 1);
	read_target(&rest, &fault);

	struct str behind_times = cut_behind(&rest, '#');

	if (behind_times.at &&
	    (!str_to_u64(behind_times, &times) || times == 0 || times > UINT32_MAX))
		return err_set(err, ERR_INVALID, "fault '%s': behind '#' stands how many times",
			       fault.text);

	struct str behind_rate = cut_behind(&rest, '@');

	if (behind_rate.at && !read_share(behind_rate, 1000000, &share))
		return err_set(err, ERR_INVALID, "fault '%s': behind '@' stands a rate like 10%%",
			       fault.text);

	size_t equals = str_find(rest, '=');
	struct str value = equals < rest.len ? str_after(rest, equals + 1) : STR_NONE;

	if (!read_kind(str_first(rest, equals), &fault))
		return err_set(err, ERR_INVALID, "fault '%s': there is no such kind", fault.text);
	if (!read_value(value, &fault))
		return err_set(err, ERR_INVALID, "fault '%s': the value does not suit the kind",
			       fault.text);
	fault.rate = (uint32_t)share;
	fault.times = (uint32_t)times;
	*out = fault;
	return true;
}

bool sim_faults_add(struct sim_faults *faults, struct str text, struct err *err)
{
	struct sim_fault fault;

	if (!sim_fault_read(text, &fault, err))
		return false;
	if (faults->count == SIM_FAULTS_MAX)
		return err_set(err, ERR_CONFLICT, "there are %d faults already", SIM_FAULTS_MAX);
	faults->at[faults->count++] = fault;
	return true;
}

void sim_faults_clear(struct sim_faults *faults)
{
	faults->count = 0;
}

/* ---- applying them ---- */

static bool fault_concerns(const struct sim_fault *fault, enum sim_request request,
			   struct str recording_sid)
{
	bool is_for_callbacks = fault->kind == SIM_FAULT_DROP ||
				fault->kind == SIM_FAULT_DUPLICATE ||
				fault->kind == SIM_FAULT_REORDER;

	if (is_for_callbacks != (request == SIM_REQUEST_CALLBACK))
		return false;
	switch (fault->target) {
	case SIM_TARGET_ALL:
		return true;
	case SIM_TARGET_MEDIA:
		return request != SIM_REQUEST_API;
	case SIM_TARGET_API:
		return request == SIM_REQUEST_API;
	case SIM_TARGET_RECORDING:
		return request != SIM_REQUEST_API &&
		       str_eq(recording_sid, str_of(fault->recording_sid));
	}
	return false;
}

static bool fault_hits(struct sim_faults *faults, size_t i, struct sim_fault_hits *hits)
{
	const struct sim_fault *fault = &faults->at[i];

	if (hits && fault->times > 0 && hits->at[i] >= fault->times)
		return false;
	if (fault->rate < 1000000 && sim_chance_below(&faults->seed, 1000000) >= fault->rate)
		return false;
	if (hits)
		hits->at[i]++;
	return true;
}

static void fault_apply(const struct sim_fault *fault, struct sim_plan *plan)
{
	switch (fault->kind) {
	case SIM_FAULT_STATUS:
		plan->status = fault->status;
		plan->retry_after_s = fault->number;
		break;
	case SIM_FAULT_PAGE:
		plan->page = fault->value;
		break;
	case SIM_FAULT_EMPTY:
		plan->is_empty = true;
		break;
	case SIM_FAULT_REDIRECT:
		plan->redirect = fault->value;
		break;
	case SIM_FAULT_CLOSE:
		plan->is_closing = true;
		break;
	case SIM_FAULT_HANG:
		plan->is_hanging = true;
		break;
	case SIM_FAULT_DELAY:
		plan->delay_ms = fault->number;
		break;
	case SIM_FAULT_SLOW:
		plan->bytes_per_s = (uint64_t)fault->number;
		break;
	case SIM_FAULT_STALL:
		plan->stall = fault->place;
		break;
	case SIM_FAULT_CUT:
		plan->cut = fault->place;
		break;
	case SIM_FAULT_LENGTH:
		plan->length_off = fault->number;
		break;
	case SIM_FAULT_NO_LENGTH:
		plan->is_lengthless = true;
		break;
	case SIM_FAULT_TYPE:
		plan->type = fault->value;
		break;
	case SIM_FAULT_RANGES:
		plan->has_ranges = true;
		break;
	case SIM_FAULT_CHANGED:
		plan->is_changed = true;
		break;
	case SIM_FAULT_DROP:
		plan->is_dropped = true;
		break;
	case SIM_FAULT_DUPLICATE:
		plan->is_duplicate = true;
		break;
	case SIM_FAULT_REORDER:
		plan->is_reordered = true;
		break;
	case SIM_FAULT_KINDS:
		break;
	}
}

static bool plan_answers_otherwise(const struct sim_plan *plan)
{
	return plan->status != 0 || plan->page || plan->redirect || plan->is_empty ||
	       plan->is_closing || plan->is_hanging;
}

/* What becomes of the body is of no concern to an answer that is another one. */
static bool fault_is_about_body(const struct sim_fault *fault)
{
	return fault->kind > SIM_FAULT_DELAY && fault->kind < SIM_FAULT_DROP;
}

/* Rules that answer otherwise come first, so that none uses up one of its times in vain. */
void sim_faults_plan(struct sim_faults *faults, enum sim_request request, struct str recording_sid,
		     struct sim_fault_hits *hits, struct sim_plan *out)
{
	*out = (struct sim_plan){ 0 };
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < faults->count; i++) {
			const struct sim_fault *fault = &faults->at[i];
			bool is_other_answer = fault->kind <= SIM_FAULT_HANG;

			if (is_other_answer != (pass == 0) ||
			    !fault_concerns(fault, request, recording_sid))
				continue;
			if (plan_answers_otherwise(out) &&
			    (is_other_answer || fault_is_about_body(fault)))
				continue;
			if (fault_hits(faults, i, hits))
				fault_apply(fault, out);
		}
	}
}

uint64_t sim_place_in(const struct sim_place *place, uint64_t size)
{
	uint64_t at = place->is_share
			      ? size / 1000 * place->value + size % 1000 * place->value / 1000
			      : place->value;

	return !place->is_given || at > size ? size : at;
}
