"""Applications that ask what the tests of AWS's client for Node.js ask.

They are those of aws-lambda-nodejs-runtime-interface-client 3.3.0, test/unit.

Left out are the cases of test_bootstrap_node.py's own table, and what no application sees: the client's sockets and
request ids, and how its modules are put together. The newer client, 4.0.2, has no public tests; the same cases run
under it, and end as `later` says where it was made to differ.
"""

from tests.client_case import Case, sent

ECHO_CJS = "exports.handler = async (event) => event;\n"
ECHO_ESM = "export const handler = async (event) => event;\n"
MODULE, COMMONJS = '{"type": "module"}', '{"type": "commonjs"}'
NESTED = "module.exports = { nested: { deep: { handler: async () => 'nested', value: 1 } } };\n"
WAITS = "const ready = await new Promise((resolve) => setTimeout(() => resolve('ready'), 50));\n"
REJECTS = """\
class AsyncInitError extends Error {
  constructor(text) { super(text); this.name = this.constructor.name; }
}
await new Promise((_, reject) => setTimeout(() => reject(new AsyncInitError('not ready')), 50));
export const handler = async () => 1;
"""
CALLBACK = "exports.handler = (event, context, callback) => callback(null, { statusCode: 200 });\n"
BEFORE_EXIT = """\
process.once('beforeExit', () => setImmediate(() => console.log('from setImmediate')));
process.on('beforeExit', () => process.nextTick(() => console.log('from nextTick')));
"""
EVIL = "class Evil extends Error { get name() { throw 'gotcha'; } }\n"
ODD_ERRORS = """\
const cyclic = new Error('cyclic');
cyclic.name = 'CircularError';
cyclic.backlink = cyclic;
const coded = Object.assign(new TypeError('coded'), { code: 1234, custom: 'field' });
const empty = new Error();
empty.stack = undefined;
const odd = Object.assign(new Error('odd'), { name: 5, message: { a: 1 }, stack: [1] });
const caused = new Error('outer', { cause: new RangeError('inner') });
"""
LOGS = f"""\
{ODD_ERRORS}
class Custom {{ toJSON() {{ return 'custom serialized'; }} }}
const circle = {{ data: 123 }};
circle.circle = circle;
exports.handler = async (event, context) => {{
  for (const level of ['trace', 'debug', 'info', 'log', 'warn', 'error', 'fatal']) {{
    const say = console[level];
    if (level === 'trace') {{ say?.('traced'); continue; }}
    say?.('in words %s %d\\nof two lines', event.n, 2.5, {{ a: [1] }});
    say?.(100.123); say?.(null); say?.(undefined); say?.('text'); say?.([1, 2n]); say?.(Symbol('s'));
    say?.(coded); say?.('with words', coded, 'behind'); say?.({{ coded }}); say?.([empty]);
    say?.(cyclic); say?.(odd); say?.(caused); say?.(circle); say?.(new Custom()); say?.();
  }}
}};
"""
FORMATS = {
    "text": {},
    **{
        f"JSON {level}": {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": level}
        for level in ("TRACE", "ERROR")
    },
    "text from WARN on": {"AWS_LAMBDA_LOG_FORMAT": "TEXT", "AWS_LAMBDA_LOG_LEVEL": "WARN"},
    "an unknown level": {"AWS_LAMBDA_LOG_LEVEL": "odd"},
}
CONTEXT = """\
export const handler = async (event, context) => {
  const before = context.getRemainingTimeInMillis();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const left = context.getRemainingTimeInMillis();
  return [before <= 20000, left > 0, before - left >= 15, context.tenantId ?? 'none', context.awsRequestId,
    context.clientContext ?? null, context.identity ?? null, context.logStreamName, Object.keys(context).sort()];
};
"""


def _stream(body: str) -> str:
    return f"export const handler = awslambda.streamifyResponse(async (event, stream) => {{\n  {body}\n}});\n"


def _case(files: dict[str, str], ends: str = "response", follows: str = "", **more: object) -> Case:
    return Case(follows, files, ends, **more)  # type: ignore[arg-type]


def _throws(expression: str, ends: str, head: str = "", later: str = "") -> Case:
    return _case({"app.js": f"{head}exports.handler = async () => {{ throw {expression}; }};\n"}, ends, later=later)


FINDING = {
    "nested in objects": _case({"app.js": NESTED}, handler="app.nested.deep.handler"),
    "nested, below a folder": _case({"in/a/app.js": NESTED}, handler="in/a/app.nested.deep.handler"),
    "nested, and missing": _case({"app.js": NESTED}, handler="app.nested.deep.none", ends="Runtime.HandlerNotFound"),
    "nested, and no function": _case(
        {"app.js": NESTED}, handler="app.nested.deep.value", ends="Runtime.HandlerNotFound"
    ),
    "nested in a function": _case(
        {"app.js": "exports.handler = () => 1;\nexports.handler.inner = async () => 'inner';\n"},
        handler="app.handler.inner",
        later="Runtime.HandlerNotFound",
    ),
    "two dots": _case({"app.js": ECHO_CJS}, handler="app..handler", ends="Runtime.MalformedHandlerName"),
    "a folder above": _case({"app.js": ECHO_CJS}, handler="in/../app.handler", ends="Runtime.MalformedHandlerName"),
    "no dot": _case({"app.js": ECHO_CJS}, handler="app", ends="Runtime.MalformedHandlerName"),
    "no dot, below a folder that is not there": _case(
        {"app.js": ""}, handler="no/app", ends="Runtime.MalformedHandlerName"
    ),
    "nothing before the dot": _case({"index.js": ECHO_CJS}, handler=".handler", later="Error"),
    "nothing behind the dot": _case({"app.js": ECHO_CJS}, handler="app.", ends="Runtime.HandlerNotFound"),
    "a default export of CommonJS": _case(
        {"app.js": "module.exports = { default: () => 42 };\n"}, handler="app.default", later="Runtime.HandlerNotFound"
    ),
    "a default export": _case({"app.mjs": "export default async () => 42;\n"}, handler="app.default"),
    "no ending before .js": _case(
        {
            "app": "exports.handler = async () => 'no ending';\n",
            "app.js": ECHO_CJS,
            "app.mjs": ECHO_ESM,
            "app.json": "{}",
        }
    ),
    ".js before .mjs": _case({"app.js": ECHO_CJS, "app.mjs": "export const handler = async () => 'mjs';\n"}),
    ".mjs before .cjs": _case({"app.cjs": ECHO_CJS, "app.mjs": "export const handler = async () => 'mjs';\n"}),
    "a module that is null, then one that is not": _case(
        {"app.js": "module.exports = null;\n", "app.mjs": "export const handler = async () => 'mjs';\n"},
        later="Runtime.HandlerNotFound",
    ),
    "a module that is a package below a folder": _case(
        {"in/node_modules/app/index.js": ECHO_CJS}, handler="in/app.handler"
    ),
}
PACKAGES = {
    "waits at the top, in a package of modules": _case(
        {"package.json": MODULE, "app.js": f"{WAITS}export const handler = async () => ready;\n"}
    ),
    "a folder of a package of modules": _case(
        {"package.json": MODULE, "in/app.js": f"{WAITS}export const handler = async () => ready;\n"},
        handler="in/app.handler",
    ),
    "a package within a package of modules": _case(
        {"package.json": MODULE, "in/even/package.json": "{}", "in/even/more/app.js": ECHO_CJS},
        handler="in/even/more/app.handler",
    ),
    "a package whose type is odd": _case({"package.json": '{"type": "no module, but a pipe"}', "app.js": ECHO_CJS}),
    "a package.json that does not parse": _case({"package.json": "{", "app.js": ECHO_CJS}, ends="Error"),
    "a package.json that is null": _case({"package.json": "null", "app.js": ECHO_CJS}, ends="Error"),
    "node_modules below a package of modules": _case(
        {"package.json": MODULE, "node_modules/app.js": "module['exp' + 'orts'] = { handler: async () => 5 };\n"},
        handler="node_modules/app.handler",
    ),
    "CommonJS in a package of modules": _case({"package.json": MODULE, "app.js": ECHO_CJS}, "ReferenceError"),
    "CommonJS in a package of CommonJS": _case({"package.json": COMMONJS, "app.js": ECHO_CJS}),
    "a module in a package of CommonJS": _case(
        {"package.json": COMMONJS, "app.js": ECHO_ESM}, "Runtime.UserCodeSyntaxError"
    ),
    "rejects while it waits at the top": _case({"app.mjs": REJECTS}, "AsyncInitError"),
    "ways to import": _case(
        {
            "app.mjs": "import { handler as echo } from './other.mjs';\nimport * as util from 'util';\n"
            "import { Buffer } from 'buffer';\nimport defaultExport from './default.mjs';\n"
            "export const handler = async (event) => {\n"
            "  console.log(util.format('%s', 'yes'), Buffer.from('yes'), defaultExport());\n"
            "  return echo(event);\n};\n",
            "other.mjs": ECHO_ESM,
            "default.mjs": "export default () => 42;\n",
        }
    ),
    "no ending": _case({"app": ECHO_CJS}),
    "no ending in a package of CommonJS": _case({"package.json": COMMONJS, "app": ECHO_CJS}),
    "no ending in a package of modules": _case({"package.json": MODULE, "app": ECHO_CJS}, later="ReferenceError"),
    "a module without an ending": _case({"app": ECHO_ESM}),
    "a module without an ending in a package of CommonJS": _case(
        {"package.json": COMMONJS, "app": ECHO_ESM}, later="Runtime.UserCodeSyntaxError"
    ),
    "a module without an ending in a package of modules": _case({"package.json": MODULE, "app": ECHO_ESM}),
    "a module in .js": _case({"app.js": ECHO_ESM}),
    "CommonJS in .mjs": _case({"app.mjs": "module.exports.handler = async () => 1;\n"}, "ReferenceError"),
    "a module in .cjs": _case({"app.cjs": ECHO_ESM}, "Runtime.UserCodeSyntaxError"),
    "both kinds in one file": _case(
        {
            "app.js": "import { handler as other } from './other.mjs';\n"
            "module.exports.handler = other;\nexport const a = 1;\n",
            "other.mjs": ECHO_ESM,
        },
        "ReferenceError",
    ),
    "a module that imports CommonJS": _case(
        {"app.mjs": "export { handler } from './other.cjs';\n", "other.cjs": ECHO_CJS}
    ),
    "CommonJS with an import statement": _case(
        {"app.cjs": "import { handler } from './other.mjs';\nexports.handler = handler;\n", "other.mjs": ECHO_ESM},
        "Runtime.UserCodeSyntaxError",
    ),
    "CommonJS that requires CommonJS": _case(
        {"app.js": "exports.handler = require('./other.cjs').handler;\n", "other.cjs": ECHO_CJS}
    ),
    "require in a module": _case(
        {"app.mjs": "const { handler } = require('./other.cjs');\nexport { handler };\n", "other.cjs": ECHO_CJS},
        "ReferenceError",
    ),
}
ENDING = {
    "an error that refers to itself": _throws("cyclic", "CircularError", ODD_ERRORS),
    "an error with fields of its own": _throws("coded", "TypeError", ODD_ERRORS),
    "an error with a cause": _throws("caused", "Error", ODD_ERRORS),
    "an error without a stack": _throws("empty", "handled", ODD_ERRORS, later="Error"),
    "an error whose parts are odd": _throws("odd", "handled", ODD_ERRORS),
    "an error with a character no header may have": _throws("new RangeError('a\\x7fb')", "RangeError"),
    "an error in words of Unicode": _throws("new RangeError('Käse 日')", "RangeError"),
    "an error whose name throws": _throws("new Evil()", "handled", EVIL),
    "an object that is no error": _throws("{ data: 'an object' }", "object"),
    "nothing at all": _throws("undefined", "string", later="undefined"),
    "an object that is no error, at import": _case({"app.js": "throw { data: 'an object' };\n"}, "object"),
    "an error whose name throws, at import": _case({"app.js": f"{EVIL}throw new Evil();\n"}, "string"),
    "an error in words of Unicode, at import": _case({"app.js": "throw new RangeError('Käse 日');\n"}, "RangeError"),
    "never ends": _case(
        {"app.mjs": "export const handler = () => new Promise(() => {});\n"}, later="Runtime.ExitError"
    ),
    "a function that is not async": _case({"app.js": "exports.handler = () => ({ statusCode: 200 });\n"}),
    "a callback": _case({"app.js": CALLBACK}, later="Runtime.CallbackHandlerDeprecated"),
    "a callback, with its warning off": _case(
        {"app.js": CALLBACK},
        later="Runtime.CallbackHandlerDeprecated",
        variables={"AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING": "1"},
    ),
    "a callback that waits for an empty loop": _case(
        {"app.js": f"{BEFORE_EXIT}{CALLBACK}"}, later="Runtime.CallbackHandlerDeprecated"
    ),
    "a callback that does not wait": _case(
        {
            "app.js": f"{BEFORE_EXIT}exports.handler = (event, context, callback) => {{\n"
            "  context.callbackWaitsForEmptyEventLoop = false;\n  callback(null, 'hello');\n};\n"
        },
        later="Runtime.CallbackHandlerDeprecated",
    ),
    "listeners of the loop's end": _case({"app.js": f"{BEFORE_EXIT}{ECHO_CJS}"}),
    "a context": _case(
        {"app.mjs": CONTEXT},
        events=(
            sent(tenant_id="blue", client_context='{"custom": {"a": 1}}', cognito_identity='{"identityId": "one"}'),
            sent(),
        ),
    ),
    "a client context that is not JSON": _case(
        {"app.mjs": ECHO_ESM}, "Error", later="Runtime.ExitError", events=(sent(client_context="{"),)
    ),
    "an event that is not JSON": _case(
        {"app.mjs": ECHO_ESM}, "SyntaxError", later="Runtime.ExitError", events=(sent(b"not json"),)
    ),
}
STREAMS = {
    "a stream with a type": _case({"app.mjs": _stream("stream.setContentType('text/plain'); stream.end('a');")}),
    "a type after the first write": _case(
        {"app.mjs": _stream("stream.write('a'); stream.setContentType('text/plain');")},
        "Runtime.InvalidStreamingOperation",
    ),
    "a pipeline": _case(
        {
            "app.mjs": "import { pipeline } from 'node:stream/promises';\nimport { Readable } from 'node:stream';\n"
            + _stream("await pipeline(Readable.from(['\"a', 'b', 'c\"']), stream);")
        }
    ),
    "many large writes": _case(
        {"app.mjs": _stream("for (let n = 0; n < 40; n++) stream.write('9'.repeat(9000));\n  stream.end();")}
    ),
    "an error before the first byte": _case(
        {"app.mjs": _stream("throw new RangeError('too much sun');")}, "RangeError"
    ),
    "no error but text": _case({"app.mjs": _stream("stream.write('1'); throw 'too much sun';")}, "string"),
    "a prelude whose return value is not used": _case(
        {
            "app.mjs": _stream(
                "awslambda.HttpResponseStream.from(stream, { statusCode: 204, headers: { a: 'b' } });\n"
                "  stream.end('1');"
            )
        }
    ),
    "another kind of stream": _case(
        {"app.mjs": f"{ECHO_ESM}handler[Symbol.for('aws.lambda.runtime.handler.streaming')] = 'odd';\n"},
        "ReferenceError",
        later="Runtime.MalformedStreamingHandler",
    ),
    "no global of the client's": _case(
        {"app.mjs": "export const handler = async () => typeof awslambda;\n"},
        variables={"AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA": "1"},
    ),
}
LOGGING = {f"logs, {name}": _case({"app.js": LOGS}, variables=variables) for name, variables in FORMATS.items()}
CASES: dict[str, Case] = {**FINDING, **PACKAGES, **ENDING, **STREAMS, **LOGGING}
