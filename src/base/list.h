/*
 * A doubly linked list whose links are embedded in what is listed.  A list head
 * is a struct list too.  A link that is on no list points at itself, so taking it
 * off twice does no harm.
 *
 *	LIST_EACH(item, &head) { struct conn *c = container_of(item, struct conn, link); ... }
 *
 * LIST_EACH allows the current item to be removed while going through.
 */
#pragma once

#include <stdbool.h>

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *list)
{
	list->next = list->prev = list;
}
static inline bool list_is_empty(const struct list *list)
{
	return list->next == list;
}
static inline void list_remove(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}
static inline void list_insert_between(struct list *prev, struct list *next, struct list *item)
{
	item->prev = prev;
	item->next = next;
	prev->next = item;
	next->prev = item;
}
static inline void list_append(struct list *head, struct list *item)
{
	list_insert_between(head->prev, head, item);
}
static inline void list_prepend(struct list *head, struct list *item)
{
	list_insert_between(head, head->next, item);
}
/* The first link, or NULL. */
static inline struct list *list_first(const struct list *head)
{
	return head->next == head ? NULL : head->next;
}

#define LIST_EACH(item, head)                                                              \
	for (struct list *item = (head)->next, *item##_next_ = item->next; item != (head); \
	     item = item##_next_, item##_next_ = item->next)
