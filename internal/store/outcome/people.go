package outcome

import "secretaria/internal/conversation"

// United is called after an id has become the contact's; was is whose it had been, 0 for
// nobody's. Where that leaves the other contact without any id, the two were one person:
// the other's conversations and what was known of them are the contact's as well. Who has
// opted out by one id has opted out by all.
func United(r Records, was, contact conversation.ContactID) error {
	if was != 0 {
		for _, query := range []string{"profile_follow", "conversations_follow"} {
			if err := r.Later(query, int64(was), int64(contact)); err != nil {
				return err
			}
		}
	}
	if err := r.Later("opt_out_spread", int64(contact), int64(was)); err != nil || was == 0 {
		return err
	}
	// Nobody would find what is left of the other again, not even to erase it.
	for _, query := range []string{"profile_drop", "contact_drop"} {
		if err := r.Later(query, int64(was)); err != nil {
			return err
		}
	}
	return nil
}
