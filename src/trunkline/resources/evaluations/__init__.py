"""What is found out about a talk once it is over: verdicts, evaluations and information, by a language model."""
