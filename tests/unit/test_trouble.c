#include "base/trouble.h"

#include "base/str.h"
#include "tap.h"

int main(void)
{
	struct trouble trouble = TROUBLE_NONE;
	struct trouble_facts facts;

	trouble_read(&trouble, 1000, &facts);
	IS_INT(facts.for_ms, -1, "at first it works");
	OK(!trouble_worked(&trouble), "and that is no news");
	OK(trouble_failed(&trouble, "first"), "the first failure is");
	OK(!trouble_failed(&trouble, "second"), "the next is not");
	trouble_read(&trouble, 1000, &facts);
	OK(facts.for_ms >= 0 && facts.for_ms < 60000, "it is told for how long: %lld ms",
	   (long long)facts.for_ms);
	IS_STR(str_of(facts.text), STR("second"), "with the latest reason");
	trouble_read(&trouble, -1, &facts);
	IS_INT(facts.for_ms, -1, "what is not recent says nothing");
	OK(trouble_worked(&trouble), "that it works again is news");
	trouble_read(&trouble, 1000, &facts);
	IS_INT(facts.for_ms, -1, "and is told");
	OK(trouble_failed(&trouble, "third"), "the next failure is a first one");
	return tap_end();
}
