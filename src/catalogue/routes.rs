//! The HTTP routes of the catalogue.

use actix_web::{get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::store::{self, CardsOf};
use super::suggest::Suggested;
use crate::app::App;
use crate::identity::Caller;
use crate::organisation::{EnterpriseId, OfficerId};
use crate::platform::http::body::Json;
use crate::platform::http::cursor::{Page, Paging};
use crate::platform::http::params::Query;
use crate::platform::http::problem::Problem;
use crate::platform::http::text::TextRule;

/// All routes of the catalogue.
pub fn configure(routes: &mut ServiceConfig) {
    routes.service(list_items).service(suggest).service(list_cards);
}

/// A category with its items.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CategoryView {
    pub code: String,
    pub name: String,
    pub items: Vec<ItemView>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemView {
    pub code: String,
    pub name: String,
    pub department_code: String,
    pub department: String,
    /// Usually answered at once.
    pub on_the_spot: bool,
    pub accept_working_minutes: i32,
    pub respond_working_hours: i32,
    pub resolve_working_days: i32,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CatalogueView {
    pub categories: Vec<CategoryView>,
}

/// The county's list of services for enterprises.
#[utoipa::path(tag = "catalogue", security(("bearer" = [])), responses((status = 200, body = CatalogueView)))]
#[get("/api/v1/catalogue")]
pub async fn list_items(app: web::Data<App>, caller: Caller) -> Result<Json<CatalogueView>, Problem> {
    let mut tx = app.db.begin(caller.scope()).await?;
    let rows = store::items(&mut tx, caller.county).await.map_err(Problem::from);
    let mut categories: Vec<CategoryView> = Vec::new();
    for row in tx.finish(rows).await? {
        if categories.last().is_none_or(|category| category.code != row.category_code) {
            categories.push(CategoryView {
                code: row.category_code,
                name: row.category_name,
                items: Vec::new(),
            });
        }
        if let Some(category) = categories.last_mut() {
            category.items.push(ItemView {
                code: row.code,
                name: row.name,
                department_code: row.department_code,
                department: row.department_name,
                on_the_spot: row.on_the_spot,
                accept_working_minutes: row.accept_working_minutes,
                respond_working_hours: row.respond_working_hours,
                resolve_working_days: row.resolve_working_days,
            });
        }
    }
    Ok(Json(CatalogueView { categories }))
}

/// Words to find an item for.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    pub text: String,
}

/// The items that the words may mean, and whether they are clear enough to dispatch.
#[utoipa::path(tag = "catalogue", security(("bearer" = [])), responses((status = 200, body = Suggested)))]
#[post("/api/v1/catalogue/suggest")]
pub async fn suggest(
    app: web::Data<App>,
    caller: Caller,
    ask: Json<Ask>,
) -> Result<Json<Suggested>, Problem> {
    let text =
        TextRule::block(2000).required("text", &ask.0.text).map_err(|error| Problem::invalid(vec![error]))?;
    app.catalogue.suggest(&app.db, caller.county, &text).await.map(Json)
}

/// A contact card (联系服务卡).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CardView {
    pub id: Uuid,
    pub enterprise: CardEnterprise,
    /// The matter; neither item nor category: the enterprise's lead officer.
    pub item_code: Option<String>,
    pub item_name: Option<String>,
    pub category_code: Option<String>,
    pub category_name: Option<String>,
    pub officer: CardOfficer,
    pub backup_id: Option<OfficerId>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CardEnterprise {
    pub id: EnterpriseId,
    pub name: String,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CardOfficer {
    pub id: OfficerId,
    pub name: String,
    pub title: String,
    pub department: String,
    /// The number to call.
    pub phone: String,
}

/// The contact cards of the caller's enterprise, or those on which the officer stands.
#[utoipa::path(tag = "catalogue", security(("bearer" = [])), params(Paging), responses((status = 200, body = Page<CardView>)))]
#[get("/api/v1/contact-cards")]
pub async fn list_cards(
    app: web::Data<App>,
    caller: Caller,
    paging: Query<Paging>,
) -> Result<Json<Page<CardView>>, Problem> {
    let paging = paging.0;
    let of = caller.officer.map_or(CardsOf::Member(caller.account.0), CardsOf::Officer);
    let after = paging.after::<Uuid>("cards")?;
    let mut tx = app.db.begin(caller.scope()).await?;
    let rows = store::cards(&mut tx, &of, after, paging.fetch()).await.map_err(Problem::from);
    let rows = tx.finish(rows).await?;
    Ok(Json(paging.page("cards", rows, |row| row.id, card)))
}

fn card(row: store::CardRow) -> CardView {
    let (item_code, item_name) = row.item.unzip();
    let (category_code, category_name) = row.category.unzip();
    CardView {
        id: row.id,
        enterprise: CardEnterprise { id: row.enterprise_id, name: row.enterprise_name },
        item_code,
        item_name,
        category_code,
        category_name,
        officer: CardOfficer {
            id: row.officer_id,
            name: row.officer_name,
            title: row.officer_title,
            department: row.department_name,
            phone: row.officer_mobile,
        },
        backup_id: row.backup_id,
    }
}
