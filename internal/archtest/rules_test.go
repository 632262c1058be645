package archtest

// Packages are named as in ARCHITECTURE.md: from the top of the module, without the leading
// "internal/". "store/..." is store and everything below it, "store/*" everything below it.

// A rule says which packages of the module must not be imported by which. Only what ends up
// in a program counts: tests may import what they like, except where a table says otherwise.
type rule struct {
	from   string   // who
	except []string // who of them may all the same
	to     []string // what must not be imported
	why    string
}

// core is what stands above the ports and decides what happens.
var core = []string{"agent/...", "intake/...", "turn/...", "delivery/...", "console/...", "queue/...", "app/...", "config/...", "demo/...", "command/...", "cmd/..."}

// ports are the contracts that several adapters implement. Every package directly below one
// is an adapter, unless notAdapters knows better.
var ports = []string{"channel", "llm", "workflow", "store", "ratelimit"}

var notAdapters = map[string]string{
	"llm/exchange":  "one HTTP exchange with a provider, as its libraries see it: what the adapters would write twice",
	"llm/resilient": "what stands once above all models: time limit, retries and circuit breaker",
	"store/forget":  "how what is kept of people is found, shown and erased: the rules that both databases follow",
	"store/inbound": "what a webhook's events mean for the rows: the rules that both databases follow",
	"store/outcome": "what decisions, attempts and changes of hands leave behind: the rules that both databases follow",
	"store/row":     "the form in which both databases keep things",
}

// adapterUsers may import adapters; so may whatever lies below the adapter itself.
var adapterUsers = map[string]string{
	"app/...":      "the composition root lists the adapters in plain code",
	"config/...":   "gathers the Config of every adapter",
	"command/...":  "commands that look at one peer: check, migrate, send",
	"transfer/...": "copies whole tables from one database to the other",
	"demo/...":     "plays a conversation between the real adapters and the fakes",
	"bench/...":    "measures the product as it is deployed",
}

// fakeUsers may import the suites and fakes, the packages whose names end in "test", outside
// of their tests. Suites and fakes may always import each other.
var fakeUsers = map[string]string{
	"demo/...":  "the fake helpdesks of the demo are the ones the tests use",
	"bench/...": "a benchmark needs a peer that answers",
}

var importRules = []rule{
	{
		from: "channel/...", to: append([]string{"llm/...", "store/...", "workflow/...", "ratelimit/..."}, core...),
		why: "a helpdesk is one peer; what is done with its messages is decided above",
	},
	{
		from: "llm/...", to: append([]string{"channel/...", "store/...", "workflow/...", "ratelimit/..."}, core...),
		why: "a model answers requests and knows nothing of whom they are about",
	},
	{
		from: "workflow/...", to: append([]string{"channel/...", "llm/...", "store/...", "ratelimit/..."}, core...),
		why: "an automation is one peer; who starts it is decided above",
	},
	{
		from: "store/...", to: append([]string{"llm/...", "workflow/...", "ratelimit/..."}, core...),
		why: "stores record decisions and never make them: with two databases there would be two copies",
	},
	{
		from: "ratelimit/...", to: append([]string{"channel/...", "llm/...", "workflow/...", "store/..."}, core...),
		why: "a limit counts keys and does not know what they stand for",
	},
	{
		from: "event/...", to: append([]string{"channel/...", "llm/...", "workflow/...", "store/...", "ratelimit/...", "redis/..."}, core...),
		why: "news is told by everybody to everybody, so it lies below them",
	},
	{
		from: "redis/...", to: append([]string{"channel/...", "workflow/...", "store/..."}, core...),
		why: "it keeps for a while what it is given, and does not know what that is for",
	},
	{
		from: "agent/...", to: []string{"store/...", "intake/...", "turn/...", "delivery/...", "console/...", "queue/...", "app/...", "config/...", "demo/...", "command/...", "cmd/..."},
		why: "the agent decides from what it is given; loading and storing is the turn's",
	},
	{
		from: "intake/...", to: []string{"agent/...", "llm/...", "workflow/...", "turn/...", "delivery/...", "console/...", "app/...", "config/...", "demo/...", "command/...", "cmd/..."},
		why: "nothing remote and nothing slow stands between a webhook and its acknowledgement",
	},
	{
		from: "turn/...", to: []string{"intake/...", "delivery/...", "console/...", "app/...", "config/...", "demo/...", "command/...", "cmd/..."},
		why: "a turn commits its decision; what follows from it is another job",
	},
	{
		from: "delivery/...", to: []string{"agent/...", "llm/...", "intake/...", "turn/...", "console/...", "app/...", "config/...", "demo/...", "command/...", "cmd/..."},
		why: "a delivery carries out what was decided and decides nothing",
	},
	{
		from: "console/...", to: []string{"app/...", "config/...", "demo/...", "command/...", "cmd/..."},
		why: "imports point down",
	},
	{
		from: "queue/...", to: []string{"intake/...", "agent/...", "console/...", "app/...", "config/...", "demo/...", "command/...", "cmd/..."},
		why: "the queue runs jobs that it is given",
	},
	{
		from: "app/...", to: []string{"config/...", "demo/...", "command/...", "cmd/..."},
		why: "the application is built from options, so that a test can build it without a file or an environment",
	},
	{
		from: "...", except: []string{"cmd/...", "command/...", "demo/...", "bench/...", "config/..."}, to: []string{"app/...", "config/...", "demo/..."},
		why: "only commands stand above the composition root; config is read by them alone",
	},
	{
		from: "...", except: []string{"cmd/..."}, to: []string{"command/..."},
		why: "commands are for cmd to call",
	},
	{
		from: "...", to: []string{"archtest/...", "bench/...", "cmd/..."},
		why: "they are ends, not parts",
	},
}

// A domain package would read the same with another database and another helpdesk: it
// imports the standard library, its own kind, and the modules listed here.
var domain = []string{"conversation/...", "lead/...", "guard/...", "fault/...", "secret/..."}

var domainModules = map[string]string{
	"golang.org/x/text/unicode/norm": "tables of Unicode and no I/O: what disguised letters stand for",
}

// domainForbids are the parts of the standard library that do I/O.
var domainForbids = map[string]string{
	"net":          "no I/O in the domain",
	"net/http":     "no I/O in the domain",
	"database/sql": "no I/O in the domain",
	"os":           "no I/O in the domain",
	"os/exec":      "no I/O in the domain",
}

// A use is a name of another package that product code must not mention.
type use struct {
	pkg, names string   // import path; names separated by spaces, or * for all
	allowed    []string // packages that may
	tests      bool     // whether tests are bound as well
	why        string
}

// customers are fakes that call us, as a helpdesk and a workflow do.
var customers = []string{"channel/whaticket/whatickettest", "channel/chatwoot/chatwoottest", "workflow/n8n/n8ntest"}

var forbiddenUses = []use{
	{
		pkg: "os", names: "Getenv LookupEnv Environ ExpandEnv Setenv Unsetenv Clearenv", allowed: []string{"cmd/...", "config/...", "store/postgres/postgrestest", "redis/redistest"},
		why: "nothing below cmd reads the environment: what a package needs is in its Config",
	},
	{
		pkg: "syscall", names: "Getenv Environ Setenv", allowed: []string{"cmd/...", "config/..."},
		why: "nothing below cmd reads the environment: what a package needs is in its Config",
	},
	{
		pkg: "os", names: "Exit Stdin Stdout Stderr Args", allowed: []string{"cmd/..."},
		why: "a package is given its reader and writer; only cmd ends the process",
	},
	{
		pkg: "fmt", names: "Print Println Printf Scan Scanln Scanf", allowed: []string{"cmd/..."},
		why: "a package is given its reader and writer",
	},
	{
		pkg: "log", names: "*",
		why: "logs are log/slog",
	},
	{
		pkg: "log/slog", names: "Debug DebugContext Info InfoContext Warn WarnContext Error ErrorContext Log LogAttrs With Default SetDefault",
		allowed: []string{"cmd/..."},
		why:     "the logger is handed to the constructor; the default one is nobody's",
	},
	{
		pkg: "time", names: "Sleep", tests: true,
		why: "product code waits for a timer or ctx, whichever comes first; tests wait for the event, or sleep inside synctest.Test, where it takes no time",
	},
	{
		pkg: "net/http", names: "DefaultClient DefaultServeMux Get Post PostForm Head Handle HandleFunc ListenAndServe ListenAndServeTLS Serve ServeTLS",
		why: "they have no time limit, or are shared with everyone who imports net/http",
	},
	{
		pkg: "net/http", names: "DefaultTransport Client Transport", allowed: append([]string{"httpclient", "llm/gemini", "tracing"}, customers...),
		why: "every request to a peer goes through httpclient, which checks the address it dials; llm/gemini hands its library a client whose transport is that",
	},
	{
		pkg: "net", names: "Dial DialTimeout DialTCP DialUDP DialUnix DialIP Dialer", allowed: []string{"httpclient"},
		why: "connections to peers are made by httpclient, which checks the address; databases and Redis bring their own",
	},
	{
		pkg: "crypto/tls", names: "Dial DialWithDialer Dialer",
		why: "as net.Dial",
	},
	{
		pkg: "github.com/prometheus/client_golang/prometheus", names: "DefaultRegisterer DefaultGatherer Register MustRegister Unregister",
		why: "metrics are built against the Registerer given to the constructor",
	},
	{
		pkg: "github.com/prometheus/client_golang/prometheus/promhttp", names: "Handler",
		why: "it serves the default registry; use HandlerFor",
	},
	{
		pkg: "github.com/google/uuid", names: "EnableRandPool DisableRandPool SetRand",
		why: "no package variable changes",
	},
}

// exceptions to forbiddenUses: "package: path.Name" to the reason.
var usesAllowed = map[string]string{}

// A panic is for a programmer's mistake at start, so it stands in constructors (New, Must
// and what begins with them); panic(http.ErrAbortHandler) is how net/http is told to drop a
// connection. Others: "package: function" to the reason.
var panicsAllowed = map[string]string{
	"pseudonym: hash":        "a hash without a key would be no secret: stores read theirs when they are opened",
	"store/postgres: text":   "as in store/sqlite",
	"store/sqlite: prepared": "a query's name is a constant in the caller: a typing mistake is found by the first test that gets there",
}

// Package variables do not change after start. Others: "package.variable" to the reason.
var variablesAllowed = map[string]string{}

// A file past this many lines is asking whether it is two things. Those that are one say why.
const longFile = 600

var longFiles = map[string]string{}

// drawers are names after a layer, or after nothing: such packages end up imported by all.
var drawers = []string{
	"util", "utils", "common", "helper", "helpers", "model", "models", "service", "services",
	"handler", "handlers", "misc", "base", "core", "lib", "types", "interfaces", "impl",
}

// linked are packages that a program pays for, or that have no place in one. Who imports
// them below cmd/secretaria, and why that has to be so.
var linked = []struct {
	pkg       string
	importers map[string]string
	why       string
}{
	{
		pkg: "text/template", importers: map[string]string{
			"html/template": "see there",
		},
		why: "calling methods by name keeps the linker from dropping methods that nothing calls: megabytes",
	},
	{
		pkg: "html/template", importers: map[string]string{
			"net/rpc":                "its debug page; google.golang.org/genai brings it for client certificates",
			"golang.org/x/net/trace": "its debug page; google.golang.org/genai brings it with grpc",
		},
		why: "as text/template",
	},
	{
		pkg: "testing", importers: map[string]string{
			"google.golang.org/genai": "its replay client for its own tests is not in a test file",
		},
		why: "a product has no tests in it",
	},
	{
		pkg: "runtime/cgo", importers: map[string]string{},
		why: "the product is pure Go",
	},
}

// architectureWords stand in ARCHITECTURE.md in backticks and are no packages: states,
// commands, files.
var architectureWords = []string{
	// holders and channels
	"bot", "human", "closed", "simulator",
	// commands
	"serve", "check", "send", "chat", "eval", "migrate", "deliveries", "contact", "backup", "restore", "version", "web", "worker",
	// from the tools
	"make", "go", "ctx", "river", "testdata",
}
