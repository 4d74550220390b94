// One line per load, which is also a metric, as in bootstrap/report.py; the runtime's console would add a prefix.

/** Report a whole load; `milliseconds` is how long it took. */
export function loaded(pointer, { parts, bytes, retries }, milliseconds) {
  const seconds = { files: Number((milliseconds / 1000).toFixed(3)) };
  const metrics = { LoadTime: Math.round(milliseconds), LoadedBytes: bytes, LoadRetries: retries, LoadFailures: 0 };
  write(pointer, "release.loaded", { parts, seconds }, metrics);
}

/** Report a load that failed. */
export function failed(pointer, error) {
  const found = { kind: error.name.replace("Dropshift.", ""), problem: error.message };
  write(pointer, "release.not_loaded", found, { LoadFailures: 1 });
}

function write(pointer, event, found, metrics) {
  const units = { LoadTime: "Milliseconds", LoadedBytes: "Bytes" };
  const Metrics = Object.keys(metrics).map((Name) => ({ Name, Unit: units[Name] ?? "Count" }));
  const line = JSON.stringify({
    event,
    release: pointer.release,
    release_id: pointer.id,
    init_type: process.env.AWS_LAMBDA_INITIALIZATION_TYPE ?? "",
    ...found,
    _aws: {
      Timestamp: Date.now(),
      CloudWatchMetrics: [{ Namespace: "Dropshift", Dimensions: [["FunctionName"]], Metrics }],
    },
    FunctionName: process.env.AWS_LAMBDA_FUNCTION_NAME ?? "",
    ...metrics,
  });
  process.stdout.write(`${line}\n`);
}
