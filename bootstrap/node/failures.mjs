// Every way a load can fail, as one line that names the object and what to do about it; as in bootstrap/failures.py.

const GONE =
  "exempt bundles/ from lifecycle rules, because bundles must outlive their versions, and redeploy the release";
export const REMEDIES = {
  NoSuchKey: ["Missing", `the bundle is gone; ${GONE}`],
  NoSuchVersion: ["Missing", `the pinned object version is gone; ${GONE}`],
  NoSuchBucket: ["Missing", "the bucket does not exist; restore the bundles bucket and redeploy the release"],
  AccessDenied: [
    "AccessDenied",
    "access was denied; the function's role needs s3:GetObject and s3:GetObjectVersion on the bundle " +
      "(and kms:Decrypt on its key), and the bucket must belong to the account in the pointer",
  ],
  ExpiredToken: [
    "ExpiredCredentials",
    "the credentials have expired; start a fresh execution environment, and check that the role still exists",
  ],
};

/** Return a failure with the name that the runtime reports as error type. It has no stack: the message is enough. */
export function fault(name, message) {
  const error = new Error(message);
  error.name = name;
  error.stack = `${name}: ${message}`;
  return error;
}

/** A part that did not arrive whole; ask for it again. */
export class Retry extends Error {}

/** S3 has as many requests as it serves at a time; ask again later, however often. */
export class SlowDown extends Retry {}

/** Return the name of the object that a message is about. */
export const describe = (pointer) =>
  `release ${pointer.release} (s3://${pointer.bucket}/${pointer.key}, version ${pointer.version})`;
