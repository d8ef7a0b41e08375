"""Why a gradient is wrong: each looks only where the one before has found no name for the cause."""
