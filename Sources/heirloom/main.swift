import Collector
import Glibc

// One call and nothing else: a closure written here would be isolated to the main actor, and trap on other threads.
exit(Program.main(ProcessArguments.read()))
