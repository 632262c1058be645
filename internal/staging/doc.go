// Package staging is the check before a release reaches anybody: the program as it is built,
// web and worker process apart, on a PostgreSQL and a Redis of its own, from the migration
// of an empty database to a message in a customer's hands. It has only tests; make staging
// runs them with their steps printed, and does the same in containers where there is an
// engine for them.
//
// It starts what it needs, touches nothing that runs already, and leaves nothing behind.
package staging
