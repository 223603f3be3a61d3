/*
 * Sessions of a ledger on a server that keep all others from writing, and will say nothing more.
 *
 * Who holds the seat, or is in a transaction by which its process cannot be buried, and says nothing for two seconds is put out by the
 * server; but only between what it asks.  One of which half of a question has arrived, because its machine is gone, its line is cut, or it
 * stands still with more to send than the line takes, is waited for as long as the server's TCP does, which is hours.
 */
#pragma once

struct catalog;

/* CATALOG_WRITE, on a server, outside a transaction: ends those that have said nothing for some seconds.  A failure is no matter: it is called again. */
void silent_holders_end(struct catalog *catalog);
