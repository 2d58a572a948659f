import { type ErrorId, RequestError } from '../../../../protocols/request/errors.ts'

/** Accepts exactly the refusals with this id, and whose message matches. */
export const refusedAs =
  (id: ErrorId, message: RegExp = /./) =>
  (error: unknown): boolean =>
    error instanceof RequestError && error.id === id && message.test(error.message)
