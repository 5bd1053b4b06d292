/**
 * What a caller must be allowed. Everybody who reaches the service is an admin until roles come;
 * every route, socket and command names its role already, and the published documents show it as
 * `x-role`. `none` is for questions that a load balancer asks.
 */
export type Role = 'none' | 'read' | 'operate' | 'admin';
