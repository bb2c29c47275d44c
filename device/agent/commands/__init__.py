"""What the region may have this station do: judged, journalled, carried out once, and told.

An order comes signed (`messaging.signed`), is judged (`judging`), stands in the journal before anything follows from
it (`journal`), waits for its moment (`table`), is carried out, one at a time (`running`, `doing`, `hands`), and after a
kill is judged by what is evident (`evidence`). Nothing here can open a camera or a microphone.

Errors::

    AgentError                  (device.agent.errors)
    └── JournalUnusable         the journal cannot be written: nothing is begun that could not be remembered
    MessageError                (messaging.errors)
    ├── RetainedOrder           a command that the broker kept: it would be carried out at every connection
    └── OtherOrder              sent as another command than the one that was signed
"""
