/** The package has no types of its own; this is the one function that the benchmark calls. */
declare module 'swagger-stats' {
  const swaggerStats: { getMiddleware(options: object): unknown };
  export default swaggerStats;
}
