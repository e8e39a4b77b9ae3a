# Filling the shared memory.
package Fill;
use strict;
use warnings;
use Exporter 'import';

our @EXPORT_OK = qw(fill_with_tickets);

# A statement that takes tickets of the pool, which must be busy, until there is room for none.
sub fill_with_tickets
{
	my ($pool) = @_;
	return qq(DO \$\$
	DECLARE many int := 20000;
	BEGIN
		WHILE many > 0 LOOP
			BEGIN
				PERFORM numpool_enqueue('$pool') FROM generate_series(1, many);
			EXCEPTION WHEN out_of_memory THEN
				many := many / 4;
			END;
		END LOOP;
	END \$\$);
}

1;
