/**
 * Close codes, what they mean and what a client does then. One line: stop on 1000, 1009, 4400,
 * 4403, 4404, 4406; else reconnect.
 */
export const closeCodes = {
  1000: ['the run is over and all was delivered', 'stop'],
  1001: ['the service is shutting down', 'reconnect'],
  1009: ['the client sent too much', 'stop'],
  1011: ['something is wrong on our side, or the service is starting', 'reconnect'],
  1013: ['too many clients, or an inspector that reads too slowly', 'reconnect'],
  4400: ['a parameter, the cursor or a frame is malformed', 'stop'],
  4403: ['not allowed', 'stop'],
  4404: ['no such run, pipeline or stage', 'stop'],
  4406: ['the protocol version is not spoken', 'stop'],
  4408: ['no pong came', 'reconnect'],
  4410: ['the cursor is gone (strict=1 only)', 'reconnect without since'],
  4429: ['the client reads too slowly, or sends too often', 'reconnect'],
} as const satisfies Record<number, readonly [string, string]>;
