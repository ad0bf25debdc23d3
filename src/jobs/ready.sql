-- All is as it shall be: the tool is asked for its word.
\! echo '{"event":"waiting","for":"commit"}'; echo verified >&8
