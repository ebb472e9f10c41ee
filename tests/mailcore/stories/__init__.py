"""Stories: real agents as real processes, which call public verbs alone, and then the record beside what happened."""
