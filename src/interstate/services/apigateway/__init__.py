"""API Gateway: HTTP APIs (apigatewayv2), REST APIs (apigateway), and the requests to them (execute-api)."""

from interstate.services.apigateway import http_apis, rest_apis, rest_methods, rest_stages, routes, stages
from interstate.services.apigateway.invoke import Invoke, invoke, keys_of_invoke
from interstate.services.operation import Operation, Service

V2 = Service(
    "apigatewayv2",
    operations=(
        Operation("CreateApi", http_apis.CreateApi, http_apis.create_api),
        Operation("CreateDeployment", stages.CreateDeployment, stages.create_deployment),
        Operation("CreateIntegration", routes.CreateIntegration, routes.create_integration),
        Operation("CreateRoute", routes.CreateRoute, routes.create_route),
        Operation("CreateStage", stages.CreateStage, stages.create_stage),
        Operation("DeleteApi", http_apis.ApiRequest, http_apis.delete_api),
        Operation("DeleteCorsConfiguration", http_apis.ApiRequest, http_apis.delete_cors_configuration),
        Operation("DeleteDeployment", stages.DeploymentRequest, stages.delete_deployment),
        Operation("DeleteIntegration", routes.IntegrationRequest, routes.delete_integration),
        Operation("DeleteRoute", routes.RouteRequest, routes.delete_route),
        Operation("DeleteStage", stages.StageRequest, stages.delete_stage),
        Operation("GetApi", http_apis.ApiRequest, http_apis.get_api, reads=True),
        Operation("GetApis", http_apis.GetApis, http_apis.get_apis, reads=True),
        Operation("GetDeployment", stages.DeploymentRequest, stages.get_deployment, reads=True),
        Operation("GetDeployments", routes.PartsRequest, stages.get_deployments, reads=True),
        Operation("GetIntegration", routes.IntegrationRequest, routes.get_integration, reads=True),
        Operation("GetIntegrations", routes.PartsRequest, routes.get_integrations, reads=True),
        Operation("GetRoute", routes.RouteRequest, routes.get_route, reads=True),
        Operation("GetRoutes", routes.PartsRequest, routes.get_routes, reads=True),
        Operation("GetStage", stages.StageRequest, stages.get_stage, reads=True),
        Operation("GetStages", routes.PartsRequest, stages.get_stages, reads=True),
        Operation("GetTags", http_apis.TagResource, http_apis.get_tags, reads=True),
        Operation("ImportApi", http_apis.ImportApi, http_apis.import_api),
        Operation("ReimportApi", http_apis.ReimportApi, http_apis.reimport_api),
        Operation("TagResource", http_apis.TagResource, http_apis.tag_resource),
        Operation("UntagResource", http_apis.UntagResource, http_apis.untag_resource),
        Operation("UpdateApi", http_apis.UpdateApi, http_apis.update_api),
        Operation("UpdateIntegration", routes.UpdateIntegration, routes.update_integration),
        Operation("UpdateRoute", routes.UpdateRoute, routes.update_route),
        Operation("UpdateStage", stages.UpdateStage, stages.update_stage),
    ),
    notes={
        "CreateApi": "HTTP APIs; no WebSocket APIs",
        "CreateIntegration": "functions and direct integrations (EventBridge, SQS, Step Functions); no HTTP_PROXY, no VPC links",
        "CreateRoute": "no authorizers",
    },
)

V1 = Service(
    "apigateway",
    operations=(
        Operation("CreateDeployment", rest_stages.CreateDeployment, rest_stages.create_deployment),
        Operation("CreateResource", rest_apis.CreateResource, rest_apis.create_resource),
        Operation("CreateRestApi", rest_apis.CreateRestApi, rest_apis.create_rest_api),
        Operation("CreateStage", rest_stages.CreateStage, rest_stages.create_stage),
        Operation("DeleteDeployment", rest_stages.DeploymentRequest, rest_stages.delete_deployment),
        Operation("DeleteIntegration", rest_methods.MethodRequest, rest_methods.delete_integration),
        Operation("DeleteIntegrationResponse", rest_methods.ResponseRequest, rest_methods.delete_integration_response),
        Operation("DeleteMethod", rest_methods.MethodRequest, rest_methods.delete_method),
        Operation("DeleteMethodResponse", rest_methods.ResponseRequest, rest_methods.delete_method_response),
        Operation("DeleteResource", rest_apis.ResourceRequest, rest_apis.delete_resource),
        Operation("DeleteRestApi", rest_apis.RestApiRequest, rest_apis.delete_rest_api),
        Operation("DeleteStage", rest_stages.StageRequest, rest_stages.delete_stage),
        Operation("GetDeployment", rest_stages.DeploymentRequest, rest_stages.get_deployment, reads=True),
        Operation("GetDeployments", rest_stages.ListRequest, rest_stages.get_deployments, reads=True),
        Operation("GetIntegration", rest_methods.MethodRequest, rest_methods.get_integration, reads=True),
        Operation(
            "GetIntegrationResponse", rest_methods.ResponseRequest, rest_methods.get_integration_response, reads=True
        ),
        Operation("GetMethod", rest_methods.MethodRequest, rest_methods.get_method, reads=True),
        Operation("GetMethodResponse", rest_methods.ResponseRequest, rest_methods.get_method_response, reads=True),
        Operation("GetResource", rest_apis.ResourceRequest, rest_apis.get_resource, reads=True),
        Operation("GetResources", rest_apis.GetResources, rest_apis.get_resources, reads=True),
        Operation("GetRestApi", rest_apis.RestApiRequest, rest_apis.get_rest_api, reads=True),
        Operation("GetRestApis", rest_apis.ListRequest, rest_apis.get_rest_apis, reads=True),
        Operation("GetStage", rest_stages.StageRequest, rest_stages.get_stage, reads=True),
        Operation("GetStages", rest_stages.GetStages, rest_stages.get_stages, reads=True),
        Operation("ImportRestApi", rest_apis.ImportRestApi, rest_apis.import_rest_api),
        Operation("PutIntegration", rest_methods.PutIntegration, rest_methods.put_integration),
        Operation("PutIntegrationResponse", rest_methods.PutIntegrationResponse, rest_methods.put_integration_response),
        Operation("PutMethod", rest_methods.PutMethod, rest_methods.put_method),
        Operation("PutMethodResponse", rest_methods.PutMethodResponse, rest_methods.put_method_response),
        Operation("PutRestApi", rest_apis.PutRestApi, rest_apis.put_rest_api),
        Operation("UpdateRestApi", rest_apis.UpdateRestApi, rest_apis.update_rest_api),
        Operation("UpdateStage", rest_stages.UpdateStage, rest_stages.update_stage),
    ),
    notes={
        "PutIntegration": "functions (proxy and custom), states, events and dynamodb by action, MOCK; no HTTP integrations",
        "PutMethod": "no authorizers, API keys, models, validators",
    },
)

EXECUTE = Service("execute-api", operations=(Operation("Invoke", Invoke, invoke, keys_of_invoke),))

SERVICES = (V1, V2, EXECUTE)
