//! Reading the catalogue: its items by category, and the contact cards.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::store::{self, CardsOf};
use crate::organisation::{CountyId, EnterpriseId, OfficerId};
use crate::platform::db::{Db, Scope};
use crate::platform::http::cursor::{Page, Paging};
use crate::platform::http::problem::Problem;

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
///
/// # Errors
/// 503 when Postgres is away.
pub async fn items(db: &Db, county: CountyId) -> Result<CatalogueView, Problem> {
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let rows = store::items(&mut tx, county).await.map_err(Problem::from);
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
    Ok(CatalogueView { categories })
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

/// A page of the contact cards of a member's enterprises, or of those on which an officer stands.
///
/// # Errors
/// 400 for a cursor of another list, 503 when Postgres is away.
pub async fn cards(
    db: &Db,
    county: CountyId,
    account: Uuid,
    officer: Option<OfficerId>,
    paging: Paging,
) -> Result<Page<CardView>, Problem> {
    let of = officer.map_or(CardsOf::Member(account), CardsOf::Officer);
    let after = paging.after::<Uuid>("cards")?;
    let mut tx = db.begin(Scope::County(county.0)).await?;
    let rows = store::cards(&mut tx, &of, after, paging.fetch()).await.map_err(Problem::from);
    let rows = tx.finish(rows).await?;
    Ok(paging.page("cards", rows, |row| row.id, card))
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
