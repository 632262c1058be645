-- Who does not have the bot, to be counted without reading all conversations.

create index conversations_held on conversations (holder, held_until) where holder <> 'bot';
