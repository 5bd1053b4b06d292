// The viewer is Swagger UI; it asks nobody but this service.
window.SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#rest',
  validatorUrl: null,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
});
