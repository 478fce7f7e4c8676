# One process for each connection: a message is a line, and a line is a message.
while read -r line; do
    echo "$PARAM_ROOM: $line" | tr a-z A-Z
done
